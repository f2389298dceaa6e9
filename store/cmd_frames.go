package store

import (
	"bytes"
	"errors"
	"io"

	"github.com/understudy-go/understudy/resp"
)

// What only the stream of a primary carries, and no client may send here: commands that
// are about the link, about a cluster, or a wrapping of others.
var streamCommands = []Command{
	{Name: "PING", Arity: -1, Flags: flagStream, run: cmdNothing},
	{Name: "REPLCONF", Arity: -1, Flags: flagStream, run: cmdNothing},
	{Name: "SCRIPT", Arity: -2, Flags: flagStream, run: cmdNothing},
	{Name: "FUNCTION", Arity: -2, Flags: flagStream, run: cmdFunction},
	{Name: "CLUSTER", Arity: -2, Flags: flagStream, run: cmdCluster},
	{Name: "TRIMSLOTS", Arity: -4, Flags: flagStream, run: cmdTrimSlots},
	{Name: "SFLUSH", Arity: -3, Flags: flagStream, run: cmdSFlush},
}

// cmdNothing is a frame that changes no data.
func cmdNothing(*exec, [][]byte) resp.Value { return resp.OK() }

// cmdCluster is a frame of the primary of a cluster. Who owns a slot, and that keys of
// one are on their way, are no data: they count where requests are sent to nodes, which
// nobody sends here. Valkey's import of slots is something else: from ESTABLISH to
// FINISH its keys are in the data and must not be seen, which is not kept apart here,
// so that it ends the stream rather than show them.
func cmdCluster(x *exec, args [][]byte) resp.Value {
	switch {
	case isWord(args[1], "SETSLOT"), isWord(args[1], "SYNCSLOTS") && len(args) > 2 && isWord(args[2], "CONF"):
		return resp.OK()
	case isWord(args[1], "FLUSHSLOT") && len(args) > 2:
		return x.trimRanges([][]byte{args[2], args[2]})
	}
	return resp.Err("ERR this form of CLUSTER in a stream is not understood")
}

// cmdTrimSlots is TRIMSLOTS RANGES n first last...: Redis 8.4 has moved the slots away.
func cmdTrimSlots(x *exec, args [][]byte) resp.Value {
	n, err := parseInt(argString(args, 2))
	if !isWord(args[1], "RANGES") || err != nil || n != int64(len(args)-3)/2 {
		return reply(ErrSyntax)
	}
	return x.trimRanges(args[3:])
}

// cmdSFlush is SFLUSH first last... [ASYNC|SYNC] of Redis 8.0 in a cluster.
func cmdSFlush(x *exec, args [][]byte) resp.Value {
	if last := args[len(args)-1]; isWord(last, "ASYNC") || isWord(last, "SYNC") {
		args = args[:len(args)-1]
	}
	return x.trimRanges(args[1:])
}

func (x *exec) trimRanges(ranges [][]byte) resp.Value {
	var s slotSet
	if err := s.readRanges(ranges); err != nil {
		return reply(err)
	}
	x.trim(&s)
	return resp.OK()
}

// replay applies RREPLAY uuid commands [db [version]], in which KeyDB wraps what one of
// several primaries has written: commands is their stream, db is theirs. What is inside
// happens as one commit, and the database that the outer stream has selected stays.
//
// The version, a time stamp, would decide between writes that two primaries made to one
// key; a replica takes what its primary has decided.
func (a *Applier) replay(x *exec, f Frame, offset int64) error {
	refuse := func(err error) error { return &StreamError{Name: "RREPLAY", Offset: offset, Err: err} }
	if len(f.Args) < 3 || len(f.Args) > 5 {
		return refuse(&Error{wrongArity("rreplay").Str})
	}
	outer := x.db
	defer func() { x.db = outer }()
	if len(f.Args) > 3 {
		n, err := parseDB(argString(f.Args, 3))
		if err == nil {
			err = x.s.checkDB(n)
		}
		if err != nil {
			return refuse(err)
		}
		x.db = n
	}
	x.c.atomic()
	r := resp.NewReader(bytes.NewReader(f.Args[2]), nil)
	for {
		args, err := r.ReadCommand()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return refuse(&Error{"ERR the commands in it cannot be read"})
		case len(args) > 0 && isWord(args[0], "RREPLAY"):
			return refuse(ErrSyntax) // none is wrapped twice
		}
		if err := a.applyFrame(x, Frame{Args: args}, offset); err != nil {
			return err
		}
	}
}
