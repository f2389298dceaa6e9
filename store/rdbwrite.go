package store

import (
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/internal/table"
)

// WriteOptions say how a snapshot is written. The zero value is good.
type WriteOptions struct {
	// Version of the RDB format. Default 9, which Redis 5 and all that came
	// later read; 10 where there are function libraries; 12, which Redis 7.4 reads, where
	// fields of hashes have deadlines. A version that cannot hold what there is is an
	// error.
	Version int
	// FieldVersion is the version that a file has where fields of hashes have deadlines and
	// Version is 0: 12 unless set. Valkey 9 reads 80, and not 12.
	FieldVersion int
	// NoFieldDeadlines leaves the deadlines of fields out where Version cannot hold them:
	// for a peer that does not know such a thing, and has to be told what expires.
	NoFieldDeadlines bool
	// Compress strings by LZF, as redis-server does by default. Slower.
	Compress bool
	// NoKeys leaves the keys out, and NoFunctions the function libraries. A file
	// without its keys does not name the history of the data, which it is not.
	NoKeys, NoFunctions bool
}

const (
	versionWithFunctions  = 10
	versionWithFieldTimes = 12
)

// version is what o.Version stands for.
func (o *WriteOptions) version(functions, fieldTimes bool) int {
	switch {
	case o.Version != 0:
		return o.Version
	case fieldTimes && o.FieldVersion != 0:
		return o.FieldVersion
	case fieldTimes:
		return versionWithFieldTimes
	case functions:
		return versionWithFunctions
	}
	return 0
}

// WriteRDB writes the snapshot as an RDB file to w. Keys past their deadline are
// in it: their removal is part of the stream. The error is w's, or
// [ErrSnapshotTooOld]; then what was written is worthless.
func (sn *Snapshot) WriteRDB(w io.Writer, o *WriteOptions) error {
	var opts WriteOptions
	if o != nil {
		opts = *o
	}
	libs := sn.libs
	if opts.NoFunctions {
		libs = nil
	}
	fieldTimes := sn.fieldTimes && !opts.NoKeys && !opts.NoFieldDeadlines
	e := rdb.NewEncoder(w, &rdb.EncoderOptions{Version: opts.version(len(libs) > 0, fieldTimes), Compress: opts.Compress})
	if fieldTimes && !e.HoldsFieldDeadlines() {
		return errOldVersion
	}
	err := sn.writeHead(e, !opts.NoKeys, libs)
	for db, ks := range sn.generation().spaces {
		if err == nil && !opts.NoKeys {
			err = sn.writeSpace(e, db, ks)
		}
	}
	if err == nil {
		err = e.End()
	}
	return err
}

var errOldVersion = errors.New("store: fields of hashes have deadlines, which a file of this version cannot hold")

func (sn *Snapshot) writeHead(e *rdb.Encoder, named bool, libs libraries) error {
	aux := [][2]string{{"redis-bits", "64"}, {"ctime", strconv.FormatInt(sn.now/1000, 10)}}
	if h := sn.history; named && h.Taint == "" && h.ID != "" {
		aux = append(aux,
			[2]string{"repl-stream-db", strconv.Itoa(max(h.StreamDB, 0))},
			[2]string{"repl-id", string(h.ID)},
			[2]string{"repl-offset", strconv.FormatInt(h.Offset, 10)})
	}
	for _, a := range aux {
		if err := e.Aux(a[0], a[1]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(libs)) {
		if err := e.Function(libs[name]); err != nil {
			return err
		}
	}
	return nil
}

func (sn *Snapshot) writeSpace(e *rdb.Encoder, db int, ks *keyspace) (err error) {
	n := sn.past.len(ks.tab)
	if n == 0 {
		return sn.Err()
	}
	if err = e.SelectDB(db); err != nil {
		return err
	}
	// The number of keys with a deadline is a hint: readers size tables by it.
	if err = e.ResizeDB(uint64(n), 0); err != nil {
		return err
	}
	x := sn.exec(db)
	sn.past.each(ks.tab, func(en *table.Entry) bool {
		err = x.writeEntry(e, en)
		return err == nil && sn.Err() == nil
	})
	// Of a snapshot that was dropped meanwhile nothing fits together any more: that is
	// the reason then, whatever the encoder says.
	if gone := sn.Err(); gone != nil {
		err = gone
	}
	return err
}

// writeEntry writes a key, or its value alone where e makes a payload.
func (x *exec) writeEntry(e *rdb.Encoder, en *table.Entry) error {
	switch kindOf(en) {
	case String:
		if parts, ok := en.Pieces(); ok {
			return e.StringOf(en.Key(), en.Len(), parts, en.Deadline())
		}
		return e.String(en.Key(), en.Text(), en.Deadline())
	case Hash:
		return x.writeHash(e, en)
	case List:
		return x.writeList(e, en)
	case Set:
		return x.writeSet(e, en)
	case SortedSet:
		return x.writeSorted(e, en)
	case Stream:
		return x.writeStream(e, en)
	case Module:
		return e.Module(en.Key(), en.Text(), en.Deadline())
	}
	return nil
}

// Errors of the encoder stick, so those of elements are not looked at one by one. The
// number of elements comes first; where it does not match, what is read is not of one
// instant, and the encoder says so.

func (x *exec) writeHash(e *rdb.Encoder, en *table.Entry) error {
	earliest := x.earliestDue(en)
	if earliest == 0 || !e.HoldsFieldDeadlines() {
		return x.writePlainHash(e, en)
	}
	err := e.BeginDatedHash(en.Key(), x.hlen(en), earliest, en.Deadline())
	for f := range x.datedFields(en) {
		if err == nil {
			err = e.DatedField(f.name, f.value, f.due)
		}
	}
	return err
}

func (x *exec) writePlainHash(e *rdb.Encoder, en *table.Entry) error {
	err := e.BeginHash(en.Key(), x.hlen(en), en.Deadline())
	for f := range x.datedFields(en) {
		if err == nil {
			err = e.Field(f.name, f.value)
		}
	}
	return err
}

func (x *exec) writeList(e *rdb.Encoder, en *table.Entry) error {
	items := x.listPin(en)
	err := e.BeginList(en.Key(), items.len(), en.Deadline())
	for v := range items.from(0) {
		if err == nil {
			err = e.Element(v)
		}
	}
	return err
}

func (x *exec) writeSet(e *rdb.Encoder, en *table.Entry) error {
	err := e.BeginSet(en.Key(), x.setLen(en), en.Deadline())
	for m := range x.setMembers(en) {
		if err == nil {
			err = e.Element(m)
		}
	}
	return err
}

func (x *exec) writeSorted(e *rdb.Encoder, en *table.Entry) error {
	items := x.pinned(en)
	err := e.BeginSortedSet(en.Key(), items.len(), en.Deadline())
	for it := range items.down(items.len() - 1) { // servers insert the highest first fastest
		if err == nil {
			err = e.Member(it.Member, it.Score)
		}
	}
	return err
}
