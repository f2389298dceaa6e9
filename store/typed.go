package store

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/understudy-go/understudy/store/internal/table"
)

// A Codec turns values of one Go type into strings and back.
type Codec[T any] interface {
	// Append appends the encoding of v to b.
	Append(b []byte, v *T) ([]byte, error)
	// Decode sets *v, which is a zero T, from text, all of it.
	Decode(text string, v *T) error
}

// A DecodeError is returned when a value in the store is no T.
type DecodeError struct {
	Key string
	Err error
}

func (e *DecodeError) Error() string { return fmt.Sprintf("store: value of %q: %v", e.Key, e.Err) }
func (e *DecodeError) Unwrap() error { return e.Err }

// Typed reads and writes the strings under a prefix as values of one Go type.
// It is a small value without state; the store holds the encoded form.
type Typed[T any] struct {
	db     DB
	prefix string
	codec  Codec[T]
}

// As returns a typed view of the keys of db that start with prefix. A nil codec
// is [MsgPack].
func As[T any](db DB, prefix string, codec Codec[T]) Typed[T] {
	if codec == nil {
		codec = MsgPack[T]()
	}
	return Typed[T]{db, prefix, codec}
}

// Get returns the value of id, [ErrNotFound], or a [*DecodeError].
func (t Typed[T]) Get(id string) (v T, err error) {
	text, err := t.db.Get(t.prefix + id)
	if err != nil {
		return v, err
	}
	return t.decode(t.prefix+id, text)
}

func (t Typed[T]) decode(key, text string) (v T, err error) {
	if err = t.codec.Decode(text, &v); err != nil {
		var zero T
		return zero, &DecodeError{key, err}
	}
	return v, nil
}

// Set writes the value of id. A ttl above 0 makes it expire that much later.
func (t Typed[T]) Set(id string, v T, ttl time.Duration) error {
	b, err := t.codec.Append(nil, &v)
	if err != nil {
		return err
	}
	return t.db.Set(t.prefix+id, table.View(b), ttl)
}

// Delete removes the value of id, and reports whether it was there.
func (t Typed[T]) Delete(id string) (bool, error) {
	n, err := t.db.Del(t.prefix + id)
	return n > 0, err
}

// All yields every id with its value, as of one instant, in no stated order;
// keys under the prefix that hold no string are passed over. The walk is O(keys
// of the database). It holds a snapshot meanwhile, so the loop's body may take
// its time and may write.
//
// A loop must look at Err. A value that cannot be decoded comes as a
// [*DecodeError], and the loop goes on. Whatever else ends the walk comes last,
// with an empty id: [ErrSnapshotTooOld] when so much was written meanwhile that
// Options.SnapshotBudget was exceeded, [ErrNested] inside of Update's closure,
// [ErrNoDatabase]. So a walk without an Err has met everything.
func (t Typed[T]) All() iter.Seq2[string, Decoded[T]] {
	return func(yield func(string, Decoded[T]) bool) {
		more := true
		err := t.walk(func(id string, d Decoded[T]) bool {
			more = yield(id, d)
			return more
		})
		if err != nil && more {
			yield("", Decoded[T]{Err: err})
		}
	}
}

func (t Typed[T]) walk(fn func(string, Decoded[T]) bool) error {
	if err := t.db.s.checkDB(t.db.n); err != nil {
		return err
	}
	return t.db.s.View(func(sn *Snapshot) error {
		sn.DB(t.db.n).eachEntry(func(_ *exec, e *table.Entry) bool {
			id, ok := strings.CutPrefix(e.Key(), t.prefix)
			if !ok || e.Kind() != table.Text {
				return true
			}
			v, err := t.decode(e.Key(), e.Text())
			return fn(id, Decoded[T]{v, err})
		})
		return nil
	})
}

// Decoded is a value met while iterating, or why there are no more.
type Decoded[T any] struct {
	Value T
	Err   error // a *DecodeError, or the end of the iteration; then Value is zero
}

// errTrailing is returned for bytes behind a decoded value.
var errTrailing = errors.New("bytes behind the value")
