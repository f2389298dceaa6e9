package rdb

import "fmt"

// Versions up to 11 are common ground. Above, Redis and Valkey went on numbering apart, and forks have numbers of their own at
// all times, so some numbers mean different things:
//
//	number    Redis                               Valkey 9                         others
//	22        hash of a release candidate of 7.4  hash with field deadlines
//	23        the same, listpack                  hash of 9.2's development
//	30..37    hashes by template (to 32)                                           Dragonfly: JSON, sketches, …
//	64                                                                             KeyDB: cron job
//	242       template of hashes                  a command within the snapshot
//	243       metadata of a key                   slots that are being imported
//	200..224                                                                       Dragonfly: compressed blobs, journal, …
//
// Whose file it is follows from its first bytes, its version and its remarks, never from a number that it is to explain.

// A Dialect is whose numbers a file uses, where they differ.
type Dialect uint8

// The dialects.
const (
	Redis     Dialect = iota + 1 // and all that have no numbers of their own, as Valkey up to 8.1
	Valkey                       // 9.0 and newer: "VALKEY" instead of "REDIS", or the remark valkey-ver
	KeyDB                        // remarks mvcc-tstamp and such
	Dragonfly                    // remark df-ver
)

func (l Dialect) String() string {
	names := [...]string{"?", "Redis", "Valkey", "KeyDB", "Dragonfly"}
	if int(l) >= len(names) {
		l = 0
	}
	return names[l]
}

// Dialect returns whose file it is, as far as is known yet: remarks say it, and come first. 0 before the first call of Next.
func (d *Decoder) Dialect() Dialect { return d.dialect }

// dialectOf is what a version says. known is false for those that nobody is known to write.
func dialectOf(version int, valkey bool) (l Dialect, known bool) {
	if valkey {
		return Valkey, version >= minValkeyVersion && version <= maxValkeyVersion
	}
	return Redis, version >= minVersion && version <= maxVersion
}

// setVersion takes the version of a file or a payload, which is at offset at.
func (d *Decoder) setVersion(at int64, version int, valkey bool) error {
	l, known := dialectOf(version, valkey)
	if !known {
		what := fmt.Sprintf("version %d", version)
		if valkey {
			what += " of Valkey"
		}
		return d.unsupported(at, what, version)
	}
	d.version, d.dialect = version, l
	return nil
}

// dialectRemarks are the remarks that only one server makes.
var dialectRemarks = [...]struct {
	name string
	l    Dialect
}{
	{"valkey-ver", Valkey},
	{"df-ver", Dragonfly},
	{"mvcc-tstamp", KeyDB},
	{"keydb-subexpire-key", KeyDB},
	{"repl-masters", KeyDB},
}

// learn takes what the name of a remark says on the dialect. Nothing outweighs the name of Valkey in the header.
func (d *Decoder) learn(name []byte) {
	for _, r := range dialectRemarks {
		if d.dialect == Redis && string(name) == r.name {
			d.dialect = r.l
		}
	}
}

// readable reports whether values of the type can be decoded, in a file of that dialect and version.
func readable(code byte, l Dialect, version int) bool {
	if code <= typeStream3 {
		return kindOf(code) != 0
	}
	switch code {
	case typeHash2:
		return l == Valkey
	case typeHashMetadata, typeHashListpackEx:
		return l == Redis && version >= deadlinesVersion
	case typeStream4:
		return l == Redis && version >= dedupVersion
	case typeTemplateListpack, typeTemplateArray:
		return l == Redis && version >= templateVersion
	case typeStream5:
		return l == Redis && version >= releasedVersion
	}
	return kindOf(code) != 0
}

// A number that is known and not decoded has a name here, so that an error says more than a number.
type foreignCode struct {
	l    Dialect // 0: any
	code byte
	name string
}

var foreignCodes = [...]foreignCode{
	{0, 6, "module, of a release candidate"},
	{Redis, 22, "hash with field deadlines, of a release candidate"},
	{Redis, 23, "hash with field deadlines, of a release candidate"},
	{Redis, 28, "array"},
	{Redis, 29, "hash with a template"},
	{Redis, 31, "hash with a template"},
	{Valkey, 23, "hash by path"},
	{KeyDB, 64, "cron job"},
	{Dragonfly, 30, "JSON"},
	{Dragonfly, 31, "hash with field deadlines"},
	{Dragonfly, 32, "set with member deadlines"},
	{Dragonfly, 33, "Bloom filter"},
	{Dragonfly, 34, "Bloom filter"},
	{Dragonfly, 35, "count-min sketch"},
	{Dragonfly, 36, "top-k"},
	{Dragonfly, 37, "cuckoo filter"},
	{0, opFunctionRC, "function of a release candidate"},
	{Valkey, 242, "command within the snapshot"},
	{Dragonfly, 200, "end of a full sync"},
	{Dragonfly, 201, "compressed blob"},
	{Dragonfly, 202, "compressed blob"},
	{Dragonfly, 203, "end of a compressed blob"},
	{Dragonfly, 210, "journal"},
	{Dragonfly, 211, "offset of the journal"},
	{Dragonfly, 222, "index of vectors"},
	{Dragonfly, 223, "index of documents"},
	{Dragonfly, 224, "chunk"},
}

// codeName names a byte that stands where a record begins and is not understood.
func codeName(code byte, l Dialect) string {
	what := "value type"
	if code >= firstOpcode {
		what = "opcode"
	}
	for _, c := range foreignCodes {
		if c.code == code && (c.l == l || c.l == 0) {
			return fmt.Sprintf("%s %d (%s)", what, code, c.name)
		}
	}
	if kindOf(code) != 0 {
		return fmt.Sprintf("%s %d (%s of another server)", what, code, kindOf(code))
	}
	return fmt.Sprintf("%s %d", what, code)
}
