package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The payload of the commands DUMP and RESTORE is a single value without its key:
//
//	metadata what modules store about the key, if anything: as before a key in a file
//	type     1 byte, as there
//	value    as behind it
//	version  2 bytes, low byte first
//	checksum 8 bytes, low byte first: of all before, never absent
const (
	dumpFooter = 2 + 8
	dumpBuffer = 1 << 10 // of an Encoder: most values that are dumped are small
)

// dumpState says how far a payload is.
type dumpState uint8

const (
	notDump       dumpState = iota // it is a file
	dumpBegun                      // nothing of the value was read or written
	dumpValue                      // the value was begun
	dumpEnd                        // the value was read
	dumpLibraries                  // it is a payload of function libraries, of which more may follow
)

var (
	errDumpShort  = fmt.Errorf("%w: shorter than its footer", ErrChecksum)
	errDumpRest   = errors.New("bytes behind the value")
	errDumpTwice  = errors.New("rdb: a payload holds one value")
	errDumpEmpty  = errors.New("rdb: a payload needs a value")
	errNotLibrary = errors.New("where only function libraries belong")
	errDumpRemark = errors.New("rdb: a payload holds nothing but a value")
)

// NewDumpEncoder returns an Encoder of one value in the form of the command DUMP: exactly one key is written, of which
// name and deadline are left out, then End. Servers from Redis 5.0 on understand it with RESTORE. NoChecksum has no effect.
func NewDumpEncoder(w io.Writer, o *EncoderOptions) *Encoder {
	if o == nil {
		o = &EncoderOptions{}
	}
	e := newEncoder(w, o, dumpBuffer)
	e.dump = dumpBegun
	return e
}

// NewFunctionsEncoder returns an Encoder of function libraries in the form of the command FUNCTION DUMP: Function is called for
// each, then End. The version is 10 unless o has one.
func NewFunctionsEncoder(w io.Writer, o *EncoderOptions) *Encoder {
	var opts EncoderOptions
	if o != nil {
		opts = *o
	}
	if opts.Version == 0 {
		opts.Version = functionVersion
	}
	e := NewDumpEncoder(w, &opts)
	e.dump = dumpLibraries
	return e
}

// dumpHead writes what stands before the value.
func (e *Encoder) dumpHead(code byte) {
	if e.dump != dumpBegun {
		e.fail(errDumpTwice)
	}
	e.dump = dumpValue
	e.buf = append(e.buf, code)
}

// endDump writes what stands between the value and the checksum.
func (e *Encoder) endDump() {
	if e.dump == dumpBegun {
		e.fail(errDumpEmpty)
	}
	e.buf = binary.LittleEndian.AppendUint16(e.buf, uint16(e.version))
}

// NewDumpDecoder returns a Decoder of the payload of DUMP. Next returns an OpKey without a key, whose value is read as
// that of a file is, then OpEnd. Version and checksum are looked at first, before the value.
//
// A value may have no elements: servers refuse to RESTORE that.
func NewDumpDecoder(payload []byte, o *DecoderOptions) *Decoder {
	return newDumpDecoder(payload, o, dumpBegun)
}

// NewFunctionsDecoder returns a Decoder of the payload of FUNCTION DUMP, which FUNCTION RESTORE has: function libraries as
// in a file, any number, and the same footer. Next returns an OpFunction for each, then OpEnd.
func NewFunctionsDecoder(payload []byte, o *DecoderOptions) *Decoder {
	return newDumpDecoder(payload, o, dumpLibraries)
}

func newDumpDecoder(payload []byte, o *DecoderOptions, begun dumpState) *Decoder {
	value := payload[:max(len(payload)-dumpFooter, 0)]
	d := &Decoder{maxString: DefaultMaxString, hints: noHints, dump: begun}
	d.in.r = bytes.NewReader(value)
	d.in.buf = make([]byte, max(min(len(value), bufferSize), headerSize))
	if o != nil && o.MaxString > 0 {
		d.maxString = o.MaxString
	}
	d.checkDump(payload)
	return d
}

// checkDump reads the footer of a payload.
func (d *Decoder) checkDump(payload []byte) {
	at := len(payload) - dumpFooter
	if at < 0 {
		d.fail(0, "checksum", errDumpShort)
		return
	}
	version := int(binary.LittleEndian.Uint16(payload[at:]))
	want, got := binary.LittleEndian.Uint64(payload[at+2:]), crcUpdate(0, payload[:at+2])
	_, valkey := dialectOf(version, true)
	if d.setVersion(int64(at), version, valkey) == nil && want != got {
		d.fail(int64(at+2), "checksum", fmt.Errorf("%w: the payload says %016x, its content gives %016x", ErrChecksum, want, got))
	}
}

// nextOfDump is next for a payload.
func (d *Decoder) nextOfDump(rec *Record) error {
	if d.dump == dumpBegun {
		d.dump = dumpEnd
		return d.openDump(rec)
	}
	if err := d.closeValue(); err != nil {
		return err
	}
	at, more := d.in.offset(), d.in.fill(1) == nil
	switch {
	case more && d.dump == dumpLibraries:
		return d.library(at, rec)
	case more:
		return d.fail(at, "payload", errDumpRest)
	}
	rec.Op = OpEnd
	d.err = io.EOF
	return nil
}

// library reads a function library of a payload.
func (d *Decoder) library(at int64, rec *Record) error {
	switch code, err := d.in.byte(); {
	case err != nil:
		return d.fail(at, "opcode", err)
	case code == opFunctionRC:
		return d.unsupported(at, codeName(code, d.dialect), int(code))
	case code != opFunction2:
		return d.fail(at, "opcode", errNotLibrary)
	}
	return d.function(rec)
}

// openDump prepares for the value.
func (d *Decoder) openDump(rec *Record) error {
	at := d.in.offset()
	code, err := d.in.byte()
	if err == nil && code == opKeyMeta && d.dialect == Redis && d.version >= keyMetaVersion {
		if err := d.keyMeta(at); err != nil {
			return err
		}
		rec.Meta, d.described, at = true, true, d.in.offset()
		code, err = d.in.byte()
	}
	switch {
	case err != nil:
		return d.fail(at, "value type", err)
	case !readable(code, d.dialect, d.version):
		return d.unsupported(at, codeName(code, d.dialect), int(code))
	}
	rec.Op = OpKey
	return d.openValue(code, rec)
}
