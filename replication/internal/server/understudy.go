package server

import (
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// UNDERSTUDY is what nodes of this library say to each other beyond the protocol of Redis: they compare their data without stopping. Two of its words are for operators.
//
//	UNDERSTUDY MARK token hops     -> +OK; the frame PING token is in the stream of the primary at the top of the chain
//	UNDERSTUDY CUT token           -> [replication ID, offset, clock in ms]; this connection holds a snapshot of that offset, until the next CUT or its end
//	UNDERSTUDY DIGEST [option ...] -> [keys, sum, parts, list] of that snapshot
//	UNDERSTUDY ACCEPT              -> +OK; the full resync that the guard holds is taken
//	UNDERSTUDY RESTORE             -> +OK; the node is a primary of what the last full resync replaced
//
// The options are SAMPLE fraction, SEED number, UNDER hex, PERSISTENT and AT ms, as in store.DigestOptions. The sum is 40 hex digits; the parts are 16 hex digits each,
// in one string; the list is database, key and sum of each key, or null.
func understudyCommands() []command {
	const flags = store.FlagAdmin | store.FlagNoMulti | store.FlagLoading | store.FlagStale
	return []command{
		{name: "mark", arity: 4, flags: flags, run: mark},
		{name: "cut", arity: 3, flags: flags, run: cut},
		{name: "digest", arity: -2, flags: flags, run: digest},
		{name: "accept", arity: 2, flags: flags, run: acceptSync, steer: true},
		{name: "restore", arity: 2, flags: flags, run: restoreFormer, steer: true},
	}
}

// Refusal is why a node gives no cut: one word for programs, and a text.
type Refusal struct{ Code, Text string }

func (r *Refusal) Error() string { return r.Code + " " + r.Text }

// Codes of a Refusal. With all but CodeTainted it may help to ask again.
const (
	CodeTainted = "TAINTED" // the data is not what its history says
	CodeNoCut   = "NOCUT"   // no mark came, too many cuts are held, or the snapshot was dropped
)

// heldCut is a snapshot that a client compares with its own.
type heldCut struct {
	sn      *store.Snapshot
	release func()
}

// maxToken bounds what a client may put into the stream, in bytes.
const maxToken = 64

// isToken reports whether a word may be in a mark: letters and digits only, so that no consumer of the stream is surprised.
func isToken(word []byte) bool {
	for _, b := range word {
		if b|0x20 < 'a' || b|0x20 > 'z' {
			if b < '0' || b > '9' {
				return false
			}
		}
	}
	return len(word) > 0 && len(word) <= maxToken
}

func mark(c *conn, args [][]byte) resp.Value {
	hops, err := strconv.Atoi(string(args[3]))
	if !isToken(args[2]) || err != nil || hops < 0 {
		return resp.Err("ERR syntax error")
	}
	ctx, done := c.toWait()
	defer done()
	if err := c.srv.node.Mark(ctx, string(args[2]), hops); err != nil {
		return refusal(err)
	}
	return resp.OK()
}

func cut(c *conn, args [][]byte) resp.Value {
	if !isToken(args[2]) {
		return resp.Err("ERR syntax error")
	}
	c.dropCut()
	ctx, done := c.toWait()
	defer done()
	sn, release, err := c.srv.node.Cut(ctx, string(args[2]))
	if err != nil {
		return refusal(err)
	}
	c.cut = &heldCut{sn, release}
	h := sn.History()
	return resp.ArrayOf(resp.BulkString(string(h.ID)), resp.Integer(h.Offset), resp.Integer(sn.CutTime()))
}

// dropCut lets go of the snapshot that the connection holds, if any.
func (c *conn) dropCut() {
	if c.cut != nil {
		c.cut.release()
		c.cut = nil
	}
}

func refusal(err error) resp.Value {
	var r *Refusal
	if errors.As(err, &r) {
		return resp.Err(r.Error())
	}
	return resp.Err(CodeNoCut + " " + err.Error())
}

func digest(c *conn, args [][]byte) resp.Value {
	o, ok := digestOptions(args[2:])
	if !ok {
		return resp.Err("ERR syntax error")
	}
	if c.cut == nil {
		return resp.Err(CodeNoCut + " no cut is held")
	}
	ctx, done := c.toWait()
	defer done()
	d, err := c.cut.sn.Digests(ctx, o)
	if err != nil {
		c.dropCut()
		return refusal(err)
	}
	return digestReply(d)
}

func digestReply(d *store.Digests) resp.Value {
	list := resp.NullArray()
	if d.List != nil || d.Keys == 0 {
		list = resp.ArrayOf([]resp.Value{}...)
	}
	for _, k := range d.List {
		list.Elems = append(list.Elems, resp.Integer(int64(k.DB)), resp.BulkString(k.Key), resp.BulkString(hex.EncodeToString(k.Sum[:])))
	}
	parts := make([]byte, 0, 16*len(d.Parts))
	for _, p := range d.Parts {
		parts = hex.AppendEncode(parts, []byte{byte(p >> 56), byte(p >> 48), byte(p >> 40), byte(p >> 32), byte(p >> 24), byte(p >> 16), byte(p >> 8), byte(p)})
	}
	return resp.ArrayOf(resp.Integer(d.Keys), resp.BulkString(d.Text()), resp.BulkString(string(parts)), list)
}

// digestOptions reads the options in any order.
func digestOptions(args [][]byte) (o *store.DigestOptions, ok bool) {
	o = new(store.DigestOptions)
	for len(args) > 0 {
		word := lower(string(args[0]))
		if word == "persistent" {
			o.Persistent, args = true, args[1:]
			continue
		}
		if len(args) < 2 || !digestOption(o, word, string(args[1])) {
			return nil, false
		}
		args = args[2:]
	}
	return o, true
}

func digestOption(o *store.DigestOptions, word, value string) bool {
	var err error
	switch word {
	case "sample":
		o.Sample, err = strconv.ParseFloat(value, 64)
		return err == nil && o.Sample >= 0 && o.Sample <= 1
	case "seed":
		o.Seed, err = strconv.ParseUint(value, 10, 64)
	case "under":
		o.Under, err = hex.DecodeString(value)
		return err == nil && len(o.Under) < 8
	case "at":
		o.Now, err = strconv.ParseInt(value, 10, 64)
	default:
		return false
	}
	return err == nil
}

func acceptSync(c *conn, _ [][]byte) resp.Value { return c.decided(c.srv.node.AcceptSync()) }

func restoreFormer(c *conn, _ [][]byte) resp.Value { return c.decided(c.srv.node.RestoreFormer()) }

// decided answers an operator.
func (c *conn) decided(err error) resp.Value {
	if err != nil {
		return resp.Err("ERR " + err.Error())
	}
	return resp.OK()
}
