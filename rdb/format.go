package rdb

import "fmt"

// Versions of the format. A server writes one version and reads every version up to its own, so the version that
// is written decides who can load the file.
const (
	minVersion = 5  // the first with a checksum at its end
	maxVersion = 12 // Redis 7.4 to 8.4

	// DefaultVersion is what an Encoder writes unless told otherwise: the version of Redis 5.0 to 6.2, which every
	// later server reads.
	DefaultVersion = 9

	functionVersion  = 10 // the first that may hold function libraries (Redis 7.0)
	deadlinesVersion = 12 // the first that may hold hashes with field deadlines (Redis 7.4)
)

const (
	magic        = "REDIS"  // followed by four decimal digits
	foreignMagic = "VALKEY" // followed by three: Valkey 9 and newer, whose numbering is its own
	headerSize   = 9
	footerSize   = 8
)

// Opcodes: the first byte of everything that is not a key. Part of the format, never renumber.
const (
	opSlotInfo     = 244 // slot, keys, expires: three lengths, a hint of cluster mode
	opFunction2    = 245 // source of a function library
	opFunctionRC   = 246 // the form of the 7.0 release candidates, not readable by any release
	opModuleAux    = 247 // data of a module that belongs to no key
	opIdle         = 248 // seconds since the last access, of the key that follows
	opFreq         = 249 // access counter, of the key that follows
	opAux          = 250 // name and value; unknown names are to be ignored
	opResizeDB     = 251 // keys and keys with a deadline in this database, a hint
	opDeadlineMs   = 252 // deadline in ms, of the key that follows
	opDeadlineSec  = 253 // deadline in seconds, 32 bits; read only, no supported server writes it
	opSelectDB     = 254
	opEOF          = 255
	firstOpcode    = 200 // below it a byte is a value type; forks use opcodes from here on
	moduleEOF      = 0   // tags inside the data of a module
	moduleSigned   = 1
	moduleUnsigned = 2
	moduleFloat    = 3
	moduleDouble   = 4
	moduleString   = 5
)

// Value types: the first byte of a key. Part of the format, never renumber. Those without a name here are known to
// typeName alone.
const (
	typeString         = 0
	typeList           = 1
	typeSet            = 2
	typeSorted         = 3 // scores in decimal
	typeHash           = 4
	typeSorted2        = 5
	typeHashZipmap     = 9
	typeListZiplist    = 10
	typeSetIntset      = 11
	typeSortedZiplist  = 12
	typeHashZiplist    = 13
	typeListQuicklist  = 14 // ziplists
	typeHashListpack   = 16
	typeSortedListpack = 17
	typeListQuicklist2 = 18 // listpacks, and elements that are too long for one
	typeSetListpack    = 20
	typeHashMetadata   = 24 // per field a deadline
	typeHashListpackEx = 25 // listpack of field, value, deadline
)

// kindOf returns the kind of values of the type, 0 if they cannot be decoded.
func kindOf(code byte) Kind {
	switch code {
	case typeString:
		return String
	case typeHash, typeHashZipmap, typeHashZiplist, typeHashListpack, typeHashMetadata, typeHashListpackEx:
		return Hash
	case typeList, typeListZiplist, typeListQuicklist, typeListQuicklist2:
		return List
	case typeSet, typeSetIntset, typeSetListpack:
		return Set
	case typeSorted, typeSorted2, typeSortedZiplist, typeSortedListpack:
		return SortedSet
	}
	return 0
}

// readable reports whether values of the type can be decoded. The upper numbers mean different things to different
// servers, so they need the version of the server that is meant.
func readable(code byte, version int) bool {
	if code == typeHashMetadata || code == typeHashListpackEx {
		return version >= deadlinesVersion
	}
	return kindOf(code) != 0
}

// typeNames names the types that are not decoded, so that an error says more than a number. Only what means the same
// in every server that writes a readable version is here: several of the higher numbers are used twice.
var typeNames = [...]string{6: "module", 7: "module", 15: "stream", 19: "stream", 21: "stream"}

func typeName(code byte) string {
	if int(code) < len(typeNames) && typeNames[code] != "" {
		return fmt.Sprintf("value type %d (%s)", code, typeNames[code])
	}
	return fmt.Sprintf("value type %d", code)
}

// codeName names a byte that stands where a record begins and is not understood.
func codeName(code byte) string {
	switch {
	case code == opFunctionRC:
		return "opcode 246 (function of a release candidate)"
	case code >= firstOpcode:
		return fmt.Sprintf("opcode %d", code)
	}
	return typeName(code)
}

// Op says what a Record is.
type Op uint8

// The records of a file, in the order in which servers write them. Hints that concern one key (deadline, idle time,
// frequency) are fields of that key's record.
const (
	OpAux      Op = iota + 1 // Name and Value: a remark on the file, such as "redis-ver"
	OpFunction               // Value: the source of a function library (Redis 7.0 and newer)
	OpSelectDB               // DB: what follows is in this database
	OpResizeDB               // Keys and Expires: how many keys the database holds; a hint
	OpKey                    // Key, Kind and the rest; read the value by the method of its Kind
	OpEnd                    // the end of the file; the checksum was right, or absent
)

func (o Op) String() string {
	names := [...]string{"?", "aux", "function", "selectdb", "resizedb", "key", "end"}
	if int(o) >= len(names) {
		o = 0
	}
	return names[o]
}

// Kind is the kind of value of a key, whatever its encoding.
type Kind uint8

// The kinds that are decoded.
const (
	String    Kind = iota + 1 // read by Decoder.Text
	Hash                      // read by Decoder.Field
	List                      // read by Decoder.Element
	Set                       // read by Decoder.Element
	SortedSet                 // read by Decoder.Member
)

func (k Kind) String() string {
	names := [...]string{"?", "string", "hash", "list", "set", "sorted set"}
	if int(k) >= len(names) {
		k = 0
	}
	return names[k]
}
