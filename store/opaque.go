package store

import (
	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/internal/table"
)

// A primary may have modules, whose types only they understand. Keys of such a type are
// kept as the bytes in which they came, by RDB or RESTORE, and go out as these bytes: so
// that the replicas of a replica have them, and it has them itself once it is promoted. For the commands
// on keys they are keys like any other; every command on a value refuses them. A command
// of the module itself is unknown in the stream as everywhere, and stops a replica.

// moduleType is the name that its module has given to e's type.
func moduleType(e *table.Entry) string {
	id, _ := rdb.ModuleOf(e.Text()) // what was stored was read as a module's
	return id.Name()
}

func (l *valueReader) opaque(d *rdb.Decoder, rec *rdb.Record, h uint64) (*table.Entry, error) {
	value, err := d.Module()
	if err != nil {
		return nil, err
	}
	return l.takeOver(rec, h, table.Opaque, table.View(value), rec.Deadline, table.NewOpaque), nil
}

// errKeyMetadata refuses a key about which modules have stored something: it would be lost.
func errKeyMetadata(d *rdb.Decoder, rec *rdb.Record) error {
	return &rdb.UnsupportedError{Offset: d.Offset(), What: "metadata of a key, by modules", Key: string(rec.Key), DB: rec.DB}
}
