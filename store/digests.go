package store

import (
	"context"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"iter"

	"github.com/understudy-go/understudy/store/internal/table"
)

// DigestParts is the number of parts in which [Digests] tells where data differ.
const DigestParts = 256

// DigestListed is the largest number of keys that [Digests] lists one by one.
const DigestListed = 512

// DigestOptions say of which keys to make digests. nil and the zero value are all
// keys that had not expired at the cut.
//
// Every key has a hash, of its database, its name and Seed: the same on every node
// and in every version of this package, else two nodes could not compare.
type DigestOptions struct {
	// Sample is the fraction of the keys to look at, chosen by their hash: the same
	// ones wherever Seed is the same. 0, and 1 or more, is all of them.
	Sample float64
	Seed   uint64

	// Under leaves only keys whose hash begins with these bytes, at most 7.
	Under []byte

	// Persistent leaves only keys without a deadline.
	Persistent bool

	// Now is the time in milliseconds since 1970 at which keys count as expired. Nodes
	// remove such keys at different offsets, a full resync leaves them where they are
	// or not: to compare, take the same time on both sides. 0 is that of the cut.
	Now int64
}

// Digests are the digest of a data set, or of a sample of it, and of parts of it.
// They include database, name, type, value, and the deadlines of key and fields to the
// millisecond; of a stream the last ID that it has given, and its groups: how far each
// is, and what is pending for whom. How often and when that was delivered is left out:
// servers deliver anew without telling their replicas.
type Digests struct {
	Keys int64 // that were looked at
	Sum  [sha1.Size]byte
	// Parts are the first bytes of the sums of those keys whose hash goes on with the
	// byte that is the index, behind DigestOptions.Under.
	Parts [DigestParts]uint64
	// List has every key, in no order, if there are no more than DigestListed.
	List []KeyDigest
}

// KeyDigest is the digest of one key.
type KeyDigest struct {
	DB  int
	Key string
	Sum [sha1.Size]byte
}

// CutTime is the clock at the cut, in milliseconds since 1970.
func (sn *Snapshot) CutTime() int64 { return sn.now }

// Digests walks the snapshot. It blocks nobody. The error is that of the snapshot,
// see [Snapshot.Err], or ctx's. O(n) in the number of keys for the walk, and in the
// size of the data that is looked at.
func (sn *Snapshot) Digests(ctx context.Context, o *DigestOptions) (*Digests, error) {
	w := digestWalk{pick: newKeyPick(o, sn.now)}
	for db, ks := range sn.generation().spaces {
		x := sn.exec(db)
		sn.past.each(ks.tab, func(e *table.Entry) bool {
			w.look(&x, e)
			return w.seen%digestPause != 0 || ctx.Err() == nil
		})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := sn.Err(); err != nil {
		return nil, err
	}
	return &w.out, nil
}

// digestPause is the number of keys after which a walk asks whether to go on.
const digestPause = 1024

// digestWalk is one call of Digests.
type digestWalk struct {
	pick keyPick
	seen int
	out  Digests
}

func (w *digestWalk) look(x *exec, e *table.Entry) {
	w.seen++
	h := keyHash(w.pick.seed, x.db, e.Key())
	if !w.pick.takes(h, e.Deadline()) {
		return
	}
	sum := x.sumOf(e)
	w.out.Keys++
	for i, b := range sum {
		w.out.Sum[i] ^= b
	}
	w.out.Parts[w.pick.part(h)] ^= binary.BigEndian.Uint64(sum[:])
	switch {
	case w.out.Keys <= DigestListed:
		w.out.List = append(w.out.List, KeyDigest{x.db, e.Key(), sum})
	case w.out.List != nil:
		w.out.List = nil
	}
}

// sumOf is the digest of a key as it takes part in Digests. Keys are combined by
// exclusive or: no two are of the same database and name, so none cancels another.
func (x *exec) sumOf(e *table.Entry) (sum digest) {
	d := x.digestOf(e)
	sum.mixNumber(uint32(x.db))
	sum.mix(string(d[:]))
	sum.mix(string(binary.BigEndian.AppendUint64(nil, uint64(e.Deadline()))))
	if kindOf(e) == Hash && x.earliestDue(e) != 0 {
		sum.mixDues(x.datedFields(e))
	}
	if kindOf(e) == Stream {
		x.streamLook(e, func(b *bigStream) { sum.mixGroups(b) })
	}
	return sum
}

// mixDues mixes the deadlines of those fields that have one.
func (d *digest) mixDues(fields iter.Seq[dated]) {
	var dues digest
	for f := range fields {
		if f.due != 0 {
			dues.xorPair(f.name, string(binary.BigEndian.AppendUint64(nil, uint64(f.due))))
		}
	}
	d.mix(string(dues[:]))
}

// mixGroups mixes what a stream knows beside its entries.
func (d *digest) mixGroups(b *bigStream) {
	d.mix(b.last.String())
	for g := range b.groups.From(0) {
		d.mix(g.name)
		d.mix(g.last.String())
		for p := range g.pending.From(0) {
			d.mix(p.id.String())
			d.mix(p.consumer)
		}
	}
}

// keyPick decides which keys take part.
type keyPick struct {
	seed       uint64
	below      uint64 // of the low half of the hash: the sample
	under      uint64 // what the hash begins with, in its low bits
	bits       uint   // how many those are
	persistent bool
	now        int64
}

func newKeyPick(o *DigestOptions, now int64) keyPick {
	if o == nil {
		o = new(DigestOptions)
	}
	p := keyPick{seed: o.Seed, below: 1 << 32, persistent: o.Persistent, now: now}
	if o.Sample > 0 && o.Sample < 1 {
		p.below = uint64(o.Sample * (1 << 32))
	}
	if o.Now != 0 {
		p.now = o.Now
	}
	for _, b := range o.Under[:min(len(o.Under), 7)] {
		p.under, p.bits = p.under<<8|uint64(b), p.bits+8
	}
	return p
}

// takes reports whether a key of that hash and deadline takes part. The sample is
// taken by the low half of the hash, the parts by the high half: they are
// independent of each other.
func (p *keyPick) takes(h uint64, deadline int64) bool {
	switch {
	case h&(1<<32-1) >= p.below, h>>(64-p.bits) != p.under:
		return false
	case deadline != 0:
		return !p.persistent && deadline > p.now
	}
	return true
}

// part is the index in Digests.Parts.
func (p *keyPick) part(h uint64) byte { return byte(h << p.bits >> 56) }

// keyHash is FNV-1a, mixed once more so that every bit depends on all of the name.
func keyHash(seed uint64, db int, key string) uint64 {
	const prime = 1099511628211
	h := (14695981039346656037 ^ seed) * prime
	h = (h ^ uint64(db)) * prime
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Text is the sum as 40 hex digits.
func (d *Digests) Text() string { return hex.EncodeToString(d.Sum[:]) }
