// Package rdb reads and writes the snapshot format of Redis and its relatives, one record at a time.
//
// A file is a sequence of records: remarks on the file (aux), function libraries, then per database the number of its
// keys and the keys with their values and deadlines, and an end with a checksum. [Decoder] reads it, [Encoder] writes
// it; neither knows what the data means.
//
//	d := rdb.NewDecoder(r, nil)
//	for {
//		rec, err := d.Next()
//		if err != nil {
//			return err
//		}
//		switch {
//		case rec.Op == rdb.OpEnd:
//			return nil
//		case rec.Kind == rdb.String:
//			value, err := d.Text()
//			...
//		case rec.Kind == rdb.Hash:
//			field, value, ok, err := d.Field() // until !ok
//			...
//		case rec.Kind == rdb.List, rec.Kind == rdb.Set:
//			element, ok, err := d.Element() // until !ok
//			...
//		case rec.Kind == rdb.SortedSet:
//			member, score, ok, err := d.Member() // until !ok
//			...
//		case rec.Kind == rdb.Module:
//			opaque, err := d.Module()
//			...
//		case rec.Kind == rdb.Stream:
//			part, ok, err := d.StreamPart() // until !ok
//			...                             // and for part.Op == rdb.PartEntry the pairs by d.Field
//		}
//	}
//
// # Layout of a file
//
//	"REDIS" and four digits             name and version
//	250 name value                      aux, any number
//	245 source                          function library, any number
//	254 n                               database n; for each that has keys
//	251 keys expires                    sizes, a hint
//	[252 ms] [248 idle | 249 freq]      of the key that follows: deadline, last access
//	type key value                      the key itself
//	255                                 end
//	8 bytes                             checksum of all before, low byte first; 0: not checked
//
// # Versions
//
//	version  written by                   read   written here
//	1..4     before Redis 2.6             no     no
//	5..8     Redis 2.6 to 4.0             yes    no
//	9        Redis 5.0 to 6.2, forks      yes    yes, unless told otherwise
//	10       Redis 7.0                    yes    yes
//	11       Redis 7.2, Valkey to 8.1     yes    yes
//	12       Redis 7.4 to 8.4             yes    yes
//	13       Redis 8.6                    yes    no
//	14       Redis 8.8                    yes    no
//	15       Redis 8.10                   yes    no
//	80, 81   Valkey 9.0 to 9.2            yes    80
//
// A server loads files of its own version and of older ones, and refuses newer ones; Redis and Valkey refuse each other's
// above 11, since the same number may mean different things there: see [Dialect]. So what an Encoder writes unless told
// otherwise, version 9, is loaded by every server from Redis 5.0 on, and version 12 by Redis 7.4 and later alone. A higher
// number makes room for more:
//
//	what                        version   otherwise
//	function libraries          10        an error
//	streams                     10, 11    something is left out: see BeginStream
//	deadlines of hash fields    12, 80    an error: see HoldsFieldDeadlines
//
// The other encodings are the plain ones in each.
//
// # Values
//
//	type  encoding                      file          written by
//	0     string                        value.go      all
//	1     list, strings                 elements.go   before Redis 3.2, forks
//	2     set, strings                  elements.go   all
//	3     sorted set, decimal scores    members.go    before Redis 4.0
//	4     hash, pairs of strings        hash.go       all
//	5     sorted set, binary scores     members.go    all
//	7     value of a module             module.go     Redis 4.0 and newer
//	9     hash, zipmap                  zipmap.go     before Redis 2.6
//	10    list, ziplist                 ziplist.go    before Redis 3.2, forks
//	11    set, intset                   intset.go     all
//	12    sorted set, ziplist           ziplist.go    Redis to 6.2, forks
//	13    hash, ziplist                 ziplist.go    Redis to 6.2, forks
//	14    list, nodes of ziplists       elements.go   Redis 3.2 to 6.2, forks
//	15    stream                        stream.go     Redis 5.0 to 6.2, forks
//	16    hash, listpack                listpack.go   Redis 7.0 and newer
//	17    sorted set, listpack          listpack.go   Redis 7.0 and newer
//	18    list, nodes of listpacks      elements.go   Redis 7.0 and newer
//	19    stream, with its history      stream.go     Redis 7.0
//	20    set, listpack                 listpack.go   Redis 7.2 and newer
//	21    stream, activity of consumers stream.go     Redis 7.2 and newer, Valkey
//	22    hash with field deadlines     hash.go       Valkey 9 and newer
//	24    hash with field deadlines     hash.go       Redis 7.4 and newer
//	25    the same, listpack            hash.go       Redis 7.4 and newer
//	26    stream, what producers sent   stream.go     Redis 8.6 and newer
//	27    stream, what was given back   stream.go     Redis 8.8 and newer
//	30    hash by a template, listpack  template.go   Redis 8.10 and newer
//	32    hash by a template            template.go   Redis 8.10 and newer
//
// Written are 0, 1, 2, 4, 5, 7, 15, 19, 21 and 24. What a module stored is not decoded, but can be passed on as it is, as can
// function libraries. All other types, opcodes that are not in the layout above or below, and KeyDB's deadlines of parts of a
// key are an [UnsupportedError]; nothing is left out quietly, but for what has no meaning to the data: sizes of cluster slots,
// whether Dragonfly may evict a key, and what modules store outside of keys.
//
// # What only some servers write
//
//	243 number, then each:    metadata of the key that follows, by modules: Record.Meta, Decoder.KeyMeta (Redis 8.6)
//	    class, tagged values
//	242 id length name*       names of hash fields, for types 30 and 32 (Redis 8.10)
//	243 name ranges           slots that are being imported: OpSlotImport (Valkey 9)
//	220 mask [flags]          properties of the key that follows, passed over (Dragonfly)
//	244 slot keys expires     sizes of a slot, passed over (Redis 7.4)
//	247 number tagged values  what a module stores outside of keys, passed over (all)
//
// # What was verified, and how
//
// Redis 7.0 and 8.0: files with every type that they write are in testdata with what they mean, and both load what is written here
// in every version, with the same digest of the data. Of the types that they read and no longer write (1, 3, 9, 10, 12 to 15) there are
// bytes made by hand, which both take for what is read of them here. By their description alone, with bytes made by hand: Valkey's 22 and
// its 243; 26, 27, 30, 32, 242 and 243 of Redis 8.6 to 8.10; deadlines in seconds; what KeyDB and Dragonfly have of their own.
//
// # Payloads of DUMP
//
// The commands DUMP and RESTORE carry one value, in the same encodings: [NewDumpDecoder] and [NewDumpEncoder] make a Decoder
// and an Encoder of such a payload.
//
// # Guarantees
//
// Memory is in proportion to the longest single text (a key, a value, a field; a small collection, or the node of a list
// or a stream, that the file holds as one text; the value of a module, and the metadata of a key), never to a collection or to the
// file. Templates of hashes are kept, and take as much memory as one text at most. A length that a file claims is allocated as its bytes arrive,
// and no text may be longer than [DecoderOptions].MaxString. So a Decoder holds a buffer of 64 KiB, and at most six texts that have
// come, compressed or not, each in memory of at most twice its length.
//
// Corrupt input is a [CorruptError] with what was being read and the offset at which that begins; input that ends
// early wraps [io.ErrUnexpectedEOF]. A text beyond MaxString is a [TooLargeError] that has the name of its key. No input makes the package panic. But not all corruption is found where it is: a
// changed byte inside a text is noticed at the end, by the checksum. What was read before OpEnd is not to be trusted
// until then.
//
// What this package does not check: that keys, the fields of a hash or the members of a set are distinct, that a
// collection has any (servers pass over those in a file that have none, and refuse to RESTORE them), that a sorted set is
// sorted, and that records come in their usual order.
//
// # Concurrency and lifetime of slices
//
// A Decoder or Encoder belongs to one goroutine; neither starts any, and both return only when their reader or writer
// does. Slices that a Decoder returns are its memory: those in a Record are valid until the next call of Next, those
// from Text, Field, Element, Member, StreamPart and Module until the next call of any method. An Encoder keeps no reference to what it was given.
//
// # Implementation
//
// source.go is the buffered input; length.go and text.go read the smallest parts from it, decoder.go the records, and
// value.go, hash.go, elements.go, members.go and stream.go the values. The compact encodings have a file each. Encoder is in encoder.go, and what
// it writes of streams and of hashes with deadlines in streamwrite.go and hashwrite.go; dialect.go tells servers apart;
// dump.go is what a payload of a single value has instead of a file's records; format.go holds the numbers of the format, lzf.go
// and crc64.go the two algorithms. To add an encoding is to write its file, and its row in the switch of openValue.
package rdb
