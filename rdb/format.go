package rdb

// Versions of the format. A server writes one version and reads every version up to its own, so the version that
// is written decides who can load the file.
const (
	minVersion = 5  // the first with a checksum at its end
	maxVersion = 15 // Redis 8.10

	minValkeyVersion = 80 // Valkey 9.0, whose numbering is its own
	maxValkeyVersion = 81 // Valkey 9.2

	// DefaultVersion is what an Encoder writes unless told otherwise: the version of Redis 5.0 to 6.2, which every
	// later server reads.
	DefaultVersion = 9

	maxWritten = 12 // Redis 7.4 to 8.4; and minValkeyVersion

	functionVersion  = 10 // the first that may hold function libraries (Redis 7.0)
	stream2Version   = 10 // the first with streams of type 19
	stream3Version   = 11 // the first with streams of type 21 (Redis 7.2)
	deadlinesVersion = 12 // the first that may hold hashes with field deadlines (Redis 7.4)
	keyMetaVersion   = 13 // the first with what modules store about keys (Redis 8.6)
	dedupVersion     = 13 // the first with streams of type 26
	releasedVersion  = 14 // the first with streams of type 27 (Redis 8.8)
	templateVersion  = 15 // the first with templates of hashes (Redis 8.10)
)

const (
	magic        = "REDIS"  // followed by four decimal digits
	foreignMagic = "VALKEY" // followed by three: Valkey 9 and newer, whose numbering is its own
	headerSize   = 9
	footerSize   = 8
)

// Opcodes: the first byte of everything that is not a key. Part of the format, never renumber.
const (
	opSlotInfo    = 244 // slot, keys, expires: three lengths, a hint of cluster mode
	opFunction2   = 245 // source of a function library
	opFunctionRC  = 246 // the form of the 7.0 release candidates, not readable by any release
	opModuleAux   = 247 // data of a module that belongs to no key
	opIdle        = 248 // seconds since the last access, of the key that follows
	opFreq        = 249 // access counter, of the key that follows
	opAux         = 250 // name and value; unknown names are to be ignored
	opResizeDB    = 251 // keys and keys with a deadline in this database, a hint
	opDeadlineMs  = 252 // deadline in ms, of the key that follows
	opDeadlineSec = 253 // deadline in seconds, 32 bits; read only, no supported server writes it
	opSelectDB    = 254
	opEOF         = 255
	firstOpcode   = 200 // below it a byte is a value type; forks use opcodes from here on
)

// Value types: the first byte of a key. Part of the format, never renumber. Those without a name here are known to
// codeName alone.
const (
	typeString         = 0
	typeList           = 1
	typeSet            = 2
	typeSorted         = 3 // scores in decimal
	typeHash           = 4
	typeSorted2        = 5
	typeModule2        = 7
	typeHashZipmap     = 9
	typeListZiplist    = 10
	typeSetIntset      = 11
	typeSortedZiplist  = 12
	typeHashZiplist    = 13
	typeListQuicklist  = 14 // ziplists
	typeStream         = 15
	typeHashListpack   = 16
	typeSortedListpack = 17
	typeListQuicklist2 = 18 // listpacks, and elements that are too long for one
	typeStream2        = 19 // and what the stream remembers of entries that are gone
	typeSetListpack    = 20
	typeStream3        = 21 // and when consumers were active
	typeHash2          = 22 // per field a deadline: Valkey's, see dialect.go
	typeHashMetadata   = 24 // the same: Redis's
	typeHashListpackEx = 25 // listpack of field, value, deadline
	typeStream4        = 26 // and what producers sent
	typeStream5        = 27 // and what consumers gave back

	typeTemplateListpack = 30 // hash by a template: see template.go
	typeTemplateArray    = 32
)

// kindOf returns the kind of values of the type, where it is readable at all; 0 if it never is.
func kindOf(code byte) Kind {
	switch code {
	case typeString:
		return String
	case typeHash, typeHashZipmap, typeHashZiplist, typeHashListpack, typeHash2, typeHashMetadata, typeHashListpackEx, typeTemplateListpack, typeTemplateArray:
		return Hash
	case typeList, typeListZiplist, typeListQuicklist, typeListQuicklist2:
		return List
	case typeSet, typeSetIntset, typeSetListpack:
		return Set
	case typeSorted, typeSorted2, typeSortedZiplist, typeSortedListpack:
		return SortedSet
	case typeStream, typeStream2, typeStream3, typeStream4, typeStream5:
		return Stream
	case typeModule2:
		return Module
	}
	return 0
}

// Op says what a Record is.
type Op uint8

// The records of a file, in the order in which servers write them. Hints that concern one key (deadline, idle time,
// frequency) are fields of that key's record.
const (
	OpAux        Op = iota + 1 // Name and Value: a remark on the file, such as "redis-ver"
	OpFunction                 // Value: the source of a function library (Redis 7.0 and newer)
	OpSelectDB                 // DB: what follows is in this database
	OpResizeDB                 // Keys and Expires: how many keys the database holds; a hint
	OpKey                      // Key, Kind and the rest; read the value by the method of its Kind
	OpEnd                      // the end of the file; the checksum was right, or absent
	OpSlotImport               // Name, and Decoder.Slots: slots of a cluster whose keys are in the file and not yet the server's (Valkey 9)
)

func (o Op) String() string {
	names := [...]string{"?", "aux", "function", "selectdb", "resizedb", "key", "end", "slot import"}
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
	Stream                    // read by Decoder.StreamPart, and Decoder.Field for the pairs of an entry
	Module                    // not decoded, read by Decoder.Module: a type of a module, see Record.Module
)

func (k Kind) String() string {
	names := [...]string{"?", "string", "hash", "list", "set", "sorted set", "stream", "module"}
	if int(k) >= len(names) {
		k = 0
	}
	return names[k]
}
