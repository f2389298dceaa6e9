package store

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store/internal/table"
)

// Errors of RESTORE.
var (
	// ErrBusyKey is returned by Restore for a key that is there already.
	ErrBusyKey = &Error{"BUSYKEY Target key name already exists."}
	// ErrPayload is returned for a payload that was made by too new a server, or was
	// changed on its way.
	ErrPayload = &Error{"ERR DUMP payload version or checksum are wrong"}
	// ErrPayloadFormat is returned for a payload that makes no sense inside.
	ErrPayloadFormat = &Error{"ERR Bad data format"}
)

// dump is e's value as the payload of DUMP.
func (x *exec) dump(e *table.Entry) ([]byte, error) {
	var b bytes.Buffer
	var o rdb.EncoderOptions
	if kindOf(e) == Hash && x.earliestDue(e) != 0 {
		o.Version = versionWithFieldTimes
	}
	enc := rdb.NewDumpEncoder(&b, &o)
	if err := x.writeEntry(enc, e); err != nil {
		return nil, err
	}
	if err := enc.End(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// readDump makes the entry of key from a payload.
func (x *exec) readDump(key, payload string, deadline int64) (*table.Entry, error) {
	d := rdb.NewDumpDecoder(table.Bytes(payload), nil)
	rec, err := d.Next()
	if err != nil {
		return nil, payloadError(err)
	}
	rec.Key, rec.Deadline = []byte(key), deadline
	l := valueReader{s: x.s, version: x.c.version}
	e, err := l.entry(d, &rec, 0)
	if err == nil {
		_, err = d.Next() // the end, or bytes behind the value
	}
	if err != nil {
		return nil, payloadError(err)
	}
	if e == nil {
		return nil, ErrPayloadFormat // no elements: such a key cannot be
	}
	return e, nil
}

// payloadError is err as clients know it. What is not understood here may be good for
// others, so it is named.
func payloadError(err error) error {
	var unsupported *rdb.UnsupportedError
	switch {
	case errors.As(err, &unsupported) && isVersion(unsupported):
		return ErrPayload
	case errors.As(err, &unsupported):
		return wireError("ERR Bad data format: %s is not supported", unsupported.What)
	case errors.Is(err, rdb.ErrChecksum):
		return ErrPayload
	}
	return ErrPayloadFormat
}

// isVersion tells an unknown version from an unknown type.
func isVersion(e *rdb.UnsupportedError) bool {
	return e.What == "version "+strconv.Itoa(e.Code)
}

// restoreOptions are those of RESTORE.
type restoreOptions struct {
	ttl      int64 // milliseconds, or with absolute Unix milliseconds; 0 none
	absolute bool
	replace  bool
	hint     hint
	rest     []string // IDLETIME and FREQ as given
}

// restore makes key from the payload of DUMP. A deadline in the past makes no key, but
// removes the one that was to be replaced: except on behalf of the primary, which
// decided already.
func (x *exec) restore(name, key, payload string, o restoreOptions) error {
	r := x.ref(key)
	if r.e != nil && !o.replace {
		return ErrBusyKey
	}
	if o.ttl < 0 {
		return wireError("ERR Invalid TTL value, must be >= 0")
	}
	deadline := o.ttl
	if o.ttl != 0 && !o.absolute {
		deadline += x.clock()
	}
	e, err := x.readDump(key, payload, storedRestore(o.ttl, deadline))
	if err != nil {
		return err
	}
	if o.ttl != 0 && deadline <= x.clock() && x.origin == client {
		if r.e != nil {
			x.c.remove(r)
			x.c.effect(x.db, "DEL", key)
			x.event(eventGeneric, "del", key)
		}
		return nil
	}
	x.c.put(r, e)
	if a := x.s.ages.Load(); a != nil {
		a.hinted(r.db, r.h, o.hint)
	}
	x.c.effect(x.db, o.effect(name, key, payload, deadline)...)
	x.replacedEvent(r)
	x.event(eventGeneric, "restore", key)
	return nil
}

// storedRestore is the deadline to store: 0 only where there is none.
func storedRestore(ttl, deadline int64) int64 {
	if ttl == 0 {
		return 0
	}
	return storedDeadline(deadline)
}

// effect is the command with an absolute deadline.
func (o restoreOptions) effect(name, key, payload string, deadline int64) []string {
	args := []string{name, key, strconv.FormatInt(deadline, 10), payload}
	if o.replace {
		args = append(args, "REPLACE")
	}
	args = append(args, o.rest...)
	if o.ttl != 0 {
		args = append(args, "ABSTTL")
	}
	return args
}
