package replication

import (
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/store"
)

// This file is pure: which form of payload a replica gets when fields of hashes have deadlines.
//
// The widest form, which every replica reads, cannot hold such deadlines. To leave them out and say them as commands would put these into the stream: for
// all replicas, and before whatever else comes after the cut, since a replica that is promoted in between would never learn of them. That is a commit of the size
// of the data at every full resync, under the writer's lock. So the payload itself has them, and at its offset equals the data.
//
//	says no version   Redis: the form of Redis 7.4, in a file of version 12. A Redis before 7.4 refuses the file, logs why, and
//	                  tries again; it could not follow the stream either, where HEXPIRE is no command to it.
//	Valkey 9 and on   and this library, which speaks as one: the form of Valkey 9. A file that is numbered as Redis numbers it, beyond 11, it refuses.
//	Valkey before     the fields without their deadlines. It has no such thing; what expires is removed from it by HDEL.
//
// Where no field has a deadline, all of them get the same file.
func fieldDeadlinesFor(version string) (o store.WriteOptions) {
	text, _, _ := strings.Cut(version, ".")
	major, err := strconv.Atoi(text)
	switch {
	case version == "" || err != nil:
	case major < firstValkeyWithFields:
		o.NoFieldDeadlines = true
	default:
		o.FieldVersion = valkeyFileVersion
	}
	return o
}

const (
	firstValkeyWithFields = 9
	valkeyFileVersion     = 80
)
