package server

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/store"
)

// A kind says how the words after a directive become its value. Values are kept as the text that CONFIG GET shows: memory in bytes, booleans as yes or no,
// lists as words with one space between them. Whoever reads a value later can therefore rely on its form.
type kind uint8

const (
	kindString  kind = iota // one word, which may hold spaces when it was quoted
	kindBool                // yes or no
	kindInt                 // a number between min and max
	kindOctal               // file permissions
	kindMemory              // a number of bytes with an optional unit
	kindChoice              // one of the directive's choices
	kindDir                 // an existing directory, kept as an absolute path
	kindFile                // a file name without a path
	kindEvents              // classes of keyspace events
	kindWords               // any number of words
	kindAny                 // any number of words, for directives that do nothing here
	kindSave                // pairs of seconds and changes
	kindLimits              // groups of class, hard limit, soft limit, seconds
	kindPrimary             // host and port, or NO ONE
)

// wordy reports whether the value is a list of words: then one quoted argument counts as the words inside it.
func (k kind) wordy() bool { return k >= kindWords }

// wireError is an error in the words in which a client reads it, behind "ERR". They are Redis's, capitals and full stops included.
type wireError string

func (e wireError) Error() string { return string(e) }

// errWordCount is returned for a directive with too few or too many words.
var errWordCount = errors.New("wrong number of arguments")

// parse turns words into the value of d. The texts of its errors are those that Redis 7.0 puts behind "CONFIG SET failed". old is the present value, which
// a directive with parts updates.
func (d *directive) parse(words []string, old string) (string, error) {
	if d.kind.wordy() {
		return d.parseList(words, old)
	}
	if len(words) != 1 {
		return "", errWordCount
	}
	return d.parseWord(words[0])
}

func (d *directive) parseWord(word string) (string, error) {
	switch d.kind {
	case kindBool:
		return parseBool(word)
	case kindInt:
		return d.parseInt(word)
	case kindOctal:
		return parseOctal(word)
	case kindMemory:
		return d.parseMemory(word)
	case kindChoice:
		return d.parseChoice(word)
	case kindDir:
		return parseDir(word)
	case kindFile:
		return d.parseFileName(word)
	case kindEvents:
		return parseEvents(word)
	}
	return word, nil
}

func (d *directive) parseList(words []string, old string) (string, error) {
	switch d.kind {
	case kindSave:
		return parseSave(words)
	case kindLimits:
		return parseLimits(words, old)
	case kindPrimary:
		return parsePrimary(words)
	}
	return strings.Join(words, " "), nil
}

func parseBool(word string) (string, error) {
	switch low := strings.ToLower(word); low {
	case "yes", "no":
		return low, nil
	}
	return "", wireError("argument must be 'yes' or 'no'")
}

func (d *directive) parseInt(word string) (string, error) {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return "", wireError("argument couldn't be parsed into an integer")
	}
	return strconv.FormatInt(n, 10), d.inRange(n)
}

func (d *directive) inRange(n int64) error {
	if n < d.min || n > d.max {
		return wireError(fmt.Sprintf("argument must be between %d and %d inclusive", d.min, d.max))
	}
	return nil
}

func parseOctal(word string) (string, error) {
	if n, err := strconv.ParseUint(word, 8, 32); err != nil || n > 0o777 {
		return "", wireError("argument couldn't be parsed into an integer")
	}
	return word, nil
}

func (d *directive) parseMemory(word string) (string, error) {
	n, ok := parseBytes(word)
	if !ok {
		return "", wireError("argument must be a memory value")
	}
	return strconv.FormatInt(n, 10), d.inRange(n)
}

// parseBytes reads 100, 100b, 1k (1000), 1kb (1024) and so on to gb, in any case.
func parseBytes(word string) (int64, bool) {
	digits := strings.TrimRight(strings.ToLower(word), "kmgb")
	unit, ok := unitBytes(strings.ToLower(word)[len(digits):])
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

func unitBytes(unit string) (int64, bool) {
	switch unit {
	case "", "b":
		return 1, true
	case "k":
		return 1000, true
	case "kb":
		return 1 << 10, true
	case "m":
		return 1000 * 1000, true
	case "mb":
		return 1 << 20, true
	case "g":
		return 1000 * 1000 * 1000, true
	case "gb":
		return 1 << 30, true
	}
	return 1, false
}

func (d *directive) parseChoice(word string) (string, error) {
	if low := strings.ToLower(word); slices.Contains(d.choices, low) {
		return low, nil
	}
	return "", wireError("argument(s) must be one of the following: " + strings.Join(d.choices, ", "))
}

// parseDir insists that the directory exists: a wrong one would otherwise come to light at the first save.
func parseDir(word string) (string, error) {
	path, err := filepath.Abs(word)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", wireError("No such file or directory")
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", wireError("Not a directory")
	}
	return path, nil
}

func (d *directive) parseFileName(word string) (string, error) {
	if word == "" || strings.ContainsAny(word, `/\`) {
		return "", wireError(d.name + " can't be a path, just a filename")
	}
	return word, nil
}

func parseEvents(word string) (string, error) {
	set, ok := store.ParseEvents(word)
	if !ok {
		return "", wireError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	}
	return set.String(), nil
}

// parseSave accepts pairs, or nothing (also as one empty word) for "never".
func parseSave(words []string) (string, error) {
	if len(words) == 0 || len(words) == 1 && words[0] == "" {
		return "", nil
	}
	if len(words)%2 != 0 {
		return "", wireError("Invalid save parameters")
	}
	for i, word := range words {
		n, err := strconv.ParseInt(word, 10, 32)
		// Seconds start at 1, changes at 0.
		if err != nil || n < int64(1-i%2) {
			return "", wireError("Invalid save parameters")
		}
	}
	return strings.Join(words, " "), nil
}

// limitClasses are the classes of client-output-buffer-limit, in the order in which CONFIG GET shows them, with the one that has two names last.
var limitClasses = []string{"normal", "slave", "pubsub", "replica"}

// Their places in that list.
const (
	classNormal = iota
	classReplica
	classPubsub
)

// parseLimits merges groups of four words into old, which has a group for each class.
func parseLimits(words []string, old string) (string, error) {
	if len(words) == 0 || len(words)%4 != 0 {
		return "", wireError("Wrong number of arguments in buffer limit configuration.")
	}
	merged := strings.Fields(old)
	for group := range slices.Chunk(words, 4) {
		class := slices.Index(limitClasses, strings.ToLower(group[0]))
		if class < 0 {
			return "", wireError("Invalid client class specified in buffer limit configuration.")
		}
		if class == 3 {
			class = 1
		}
		hard, ok1 := parseBytes(group[1])
		soft, ok2 := parseBytes(group[2])
		seconds, err := strconv.ParseUint(group[3], 10, 31)
		if !ok1 || !ok2 || err != nil {
			return "", wireError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		}
		merged[4*class+1], merged[4*class+2] = strconv.FormatInt(hard, 10), strconv.FormatInt(soft, 10)
		merged[4*class+3] = strconv.FormatUint(seconds, 10)
	}
	return strings.Join(merged, " "), nil
}

// parsePrimary accepts a host and a port. NO ONE, and nothing at all, make a primary.
func parsePrimary(words []string) (string, error) {
	if len(words) == 0 || len(words) == 1 && words[0] == "" {
		return "", nil
	}
	if len(words) != 2 {
		return "", errWordCount
	}
	if strings.EqualFold(words[0], "no") && strings.EqualFold(words[1], "one") {
		return "", nil
	}
	if port, err := strconv.Atoi(words[1]); err != nil || port < 0 || port > 65535 {
		return "", wireError("Invalid master port")
	}
	return words[0] + " " + words[1], nil
}
