package store

import (
	"errors"
	"io"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"

	"github.com/understudy-go/understudy/store/internal/table"
)

// MsgPack is the codec of typed views: structs as maps by field name, readable
// from any language. Field names follow the tag `codec:"name,omitempty"`, or
// json's.
func MsgPack[T any]() Codec[T] { return &msgPack[T]{} }

// msgPack pools its coders: making one costs more than using it.
type msgPack[T any] struct {
	encoders, decoders sync.Pool
}

// newHandle uses the present form of MessagePack, in which strings and bytes
// differ and times have an extension of their own.
func newHandle() *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{WriteExt: true}
	h.RawToString = true
	h.Canonical = true // equal values, equal bytes
	return h
}

func (m *msgPack[T]) Append(b []byte, v *T) ([]byte, error) {
	enc, ok := m.encoders.Get().(*codec.Encoder)
	if !ok {
		enc = codec.NewEncoderBytes(nil, newHandle())
	}
	var out []byte
	enc.ResetBytes(&out)
	if err := enc.Encode(v); err != nil {
		return b, err
	}
	m.encoders.Put(enc)
	return append(b, out...), nil
}

func (m *msgPack[T]) Decode(text string, v *T) error {
	if text == "" {
		return io.ErrUnexpectedEOF // no bytes would leave a new decoder without input
	}
	dec, ok := m.decoders.Get().(*codec.Decoder)
	if !ok {
		dec = codec.NewDecoderBytes(nil, newHandle())
	}
	// The decoder reads from the bytes only, and strings it makes are copies.
	dec.ResetBytes(table.Bytes(text))
	err := dec.Decode(v)
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case dec.NumBytesRead() != len(text):
		return errTrailing
	}
	m.decoders.Put(dec)
	return nil
}
