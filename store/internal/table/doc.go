// Package table is the keyspace of a store: a hash table of immutable entries
// with one writer and wait-free readers.
//
// An [Entry] is never changed after it was stored; a write replaces it. What a
// reader got is therefore valid for ever, and the strings handed out alias the
// entry's own memory.
//
// A string is held in one piece: inline up to 1 KB, in a buffer of its own beyond,
// with room behind it once it was appended to. One of more than 64 KB that is
// written by offset is held in chunks, which successive entries share.
//
// A [Table] is a directory of segments, chosen by the leading bits of the
// key's hash. A segment is an array of buckets of one cache line each: seven
// tags, an overflow count, and seven slots. It starts small, is rebuilt larger
// until it has 512 buckets, and is then split in two, so that no write ever
// pays for more than one segment, whatever the size of the table:
//
//	hash  = prefix (directory) | bucket bits | ...  | tag (low 8 bits)
//
// Because both the directory and the bucket take leading bits, walking
// segments and buckets in order is walking the hash in order. A position in
// the hash is thus a cursor that stays meaningful while the table grows.
//
// # Concurrency
//
// One goroutine at a time may call the methods that change a table (the store
// holds its writer lock for that). Any number may read meanwhile, and no read
// waits:
//
//   - a slot is written before its tag, and its tag is cleared before it;
//   - an entry never moves inside a live segment;
//   - a segment that was rebuilt or split is frozen: a reader that still holds
//     it sees the table as it was at that moment, which is after the reader
//     began.
//
// The three together make one look-up linearizable. So is the number of entries, by
// [Table.Settled]: the count says when the writer is between a slot and the count, for
// a few nanoseconds, and who needs it looks again. Reading several keys at one instant
// is the store's business, by the version in each entry.
package table
