package backlog

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// IDLen is the length of a replication ID in characters.
const IDLen = 40

// ID names one history of a data set: 40 lower-case hexadecimal digits. The empty ID names none; it
// stands for "no secondary ID" and for a primary that sent an unusable one, and never matches a follower's.
type ID string

// NewID returns a random ID that nobody has used before.
func NewID() ID {
	var raw [IDLen / 2]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the program rather than return fewer bytes
	return ID(hex.EncodeToString(raw[:]))
}

// ParseID returns s as an ID in lower case. Anything but 40 hexadecimal digits of either case is an error.
func ParseID(s string) (ID, error) {
	if len(s) != IDLen {
		return "", fmt.Errorf("backlog: replication ID of %d characters, want %d", len(s), IDLen)
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return "", fmt.Errorf("backlog: replication ID has %q at position %d, want a hexadecimal digit", s[i], i)
		}
	}
	return ID(strings.ToLower(s)), nil
}

// matches reports whether a follower that names its history s means id. Servers compare IDs without regard
// to case. The empty ID matches nothing, not even an empty s.
func (id ID) matches(s string) bool {
	return id != "" && len(s) == len(id) && strings.EqualFold(string(id), s)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
