package difftest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

const patience = 60 * time.Second // for one exchange on a busy machine

// startServer starts a server on which nothing happens by itself: no key expires before somebody meets it, and its stream
// carries no PING.
func startServer(t testing.TB, v realserver.Version) *realserver.Server {
	t.Helper()
	s := realserver.Start(t, v, "--repl-ping-replica-period", "3600", "--repl-timeout", "36000")
	if reply := s.Do("DEBUG", "SET-ACTIVE-EXPIRE", "0"); reply != "OK" {
		t.Fatalf("DEBUG SET-ACTIVE-EXPIRE = %v", reply)
	}
	return s
}

// client is a connection to a server whose replies are seen as they are on the wire.
type client struct {
	net net.Conn
	r   *resp.Reader
}

func dial(t testing.TB, s *realserver.Server) *client {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{net: c, r: resp.NewReader(c, nil)}
}

// send sends one command, the reply to which may be long in coming: receive it then.
func (c *client) send(args ...string) error {
	if err := c.net.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.net.Write(resp.AppendCommand(nil, args...))
	return err
}

func (c *client) receive() (resp.Value, error) {
	if err := c.net.SetDeadline(time.Now().Add(patience)); err != nil {
		return resp.Value{}, err
	}
	return c.r.ReadValue()
}

// exchange sends commands at once and reads n replies. What it sends is small enough for the buffers in between.
func (c *client) exchange(b []byte, n int) ([]resp.Value, error) {
	if err := c.net.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	sent := make(chan error, 1)
	go func() {
		_, err := c.net.Write(b)
		sent <- err
	}()
	replies := make([]resp.Value, 0, n)
	for range n {
		v, err := c.r.ReadValue()
		if err != nil {
			c.net.Close() // ends the writer
			return replies, errors.Join(err, <-sent)
		}
		replies = append(replies, v)
	}
	return replies, <-sent
}

func (c *client) do(t testing.TB, args ...string) resp.Value {
	t.Helper()
	replies, err := c.exchange(resp.AppendCommand(nil, args...), 1)
	if err != nil {
		t.Fatalf("%s: %v", shown(args), err)
	}
	return replies[0]
}

// do runs a command in a session of ours. The reply is what a client would read, so that both sides' have one form.
func do(s *store.Session, args ...string) resp.Value { return doIn(s, 2, args...) }

// doIn is do for a client that speaks RESP2 or RESP3.
func doIn(s *store.Session, protocol int, args ...string) resp.Value {
	v, err := resp.NewReader(bytes.NewReader(resp.AppendValue(nil, s.Do(bytesOf(args)), protocol)), nil).ReadValue()
	if err != nil {
		return resp.Err("unreadable reply: " + err.Error())
	}
	return v
}

func bytesOf(args []string) [][]byte {
	words := make([][]byte, len(args))
	for i, a := range args {
		words[i] = []byte(a)
	}
	return words
}

// doer lets realserver.Dump walk a store of ours.
type doer struct{ s *store.Session }

func (d doer) Do(args ...string) any { return plain(do(d.s, args...)) }

func plain(v resp.Value) any {
	switch v.Kind {
	case resp.Int:
		return v.Int
	case resp.Error:
		return realserver.ReplyError(v.Str)
	case resp.Null:
		return nil
	case resp.Array:
		list := make([]any, len(v.Elems))
		for i, e := range v.Elems {
			list[i] = plain(e)
		}
		return list
	}
	return v.Str
}

// copier carries the stream of a store of ours to a server, as commands of a plain client, and to another store of ours, as
// the stream of its primary. The server proves that the effects mean to Redis what they mean here. But it removes keys
// past their deadline by itself; the replica does not, and so proves that each such removal is in the stream.
type copier struct {
	from    *backlog.Reader
	to      *client
	replica *store.Store
	applier *store.Applier
}

func newCopier(t testing.TB, s *store.Store, to *client) *copier {
	t.Helper()
	r, err := s.Replication().Backlog().NewReader(0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	replica := store.New(nil)
	replica.Replication().Demote()
	return &copier{from: r, to: to, replica: replica, applier: replica.Replication().NewApplier()}
}

// copy sends what the stream has, and fails on the first effect that the server refuses.
func (c *copier) copy() error {
	for {
		b := c.from.TryNext(1 << 20)
		if len(b) == 0 {
			return nil
		}
		// An append may lie across two chunks: read on to the end of the last frame.
		frames, n := split(b)
		for n < len(b) {
			b = append(bytes.Clone(b), c.from.TryNext(1<<20)...)
			frames, n = split(b)
		}
		if err := c.apply(frames, b); err != nil {
			return err
		}
		replies, err := c.to.exchange(b, len(frames))
		if err != nil {
			return err
		}
		for i, v := range replies {
			if e := firstError(v); e != "" {
				return fmt.Errorf("effect %s: %s", shown(frames[i]), e)
			}
		}
	}
}

// apply hands the frames to the replica, raw being their bytes.
func (c *copier) apply(frames [][]string, raw []byte) error {
	var batch []store.Frame
	for _, f := range frames {
		batch = append(batch, store.Frame{Args: bytesOf(f), Size: resp.CommandSize(f...)})
	}
	return c.applier.Apply(batch, raw)
}

// split parses the whole frames in b, n bytes of it.
func split(b []byte) (frames [][]string, n int) {
	r := resp.NewReader(bytes.NewReader(b), nil)
	for {
		args, err := r.ReadCommand()
		if err != nil {
			return frames, n
		}
		var words []string
		for _, a := range args {
			words = append(words, string(a))
		}
		frames, n = append(frames, words), int(r.Consumed())
	}
}

func firstError(v resp.Value) string {
	if v.Kind == resp.Error {
		return v.Str
	}
	for _, e := range v.Elems {
		if s := firstError(e); s != "" {
			return s
		}
	}
	return ""
}

// follower applies a server's stream to a store of ours.
type follower struct {
	s       *store.Store
	c       *client
	applier *store.Applier
}

// follow makes a new store a replica of a server, by the shortest dialogue there is: without capabilities the payload
// comes with its length.
func follow(t testing.TB, server *realserver.Server) *follower {
	t.Helper()
	f := &follower{s: store.New(nil), c: dial(t, server)}
	if _, err := f.c.net.Write([]byte("PSYNC ? -1\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := f.fullResync(); err != nil {
		t.Fatalf("full resync from the server: %v", err)
	}
	f.applier = f.s.Replication().NewApplier()
	return f
}

func (f *follower) fullResync() error {
	line, err := f.line()
	if err != nil {
		return err
	}
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "+FULLRESYNC" {
		return fmt.Errorf("answer %q", line)
	}
	offset, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return err
	}
	if line, err = f.line(); err != nil {
		return err
	}
	size, err := strconv.ParseInt(strings.TrimPrefix(line, "$"), 10, 64)
	if err != nil {
		return err
	}
	r := f.s.Replication()
	r.Demote()
	l := r.NewLoader()
	if err := l.LoadRDB(io.LimitReader(f.c.r, size)); err != nil {
		return err
	}
	return l.Commit(backlog.History{ID: backlog.ID(words[1]), Offset: offset, SecondaryLimit: -1, StreamDB: l.StreamDB()})
}

// line skips the blank lines by which a primary says that it is still at work.
func (f *follower) line() (string, error) {
	if err := f.c.net.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	for {
		line, err := f.c.r.ReadLine()
		if err != nil || len(line) > 0 {
			return string(line), err
		}
	}
}

// catchUp applies the stream up to an offset, in batches as they come.
func (f *follower) catchUp(offset int64) error {
	if err := f.c.net.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for f.s.Replication().History().Offset < offset {
		args, err := f.c.r.ReadCommand()
		var batch []store.Frame
		for ok := err == nil; ok && err == nil; {
			batch = append(batch, store.Frame{Args: args, Size: f.c.r.LastSize()})
			args, ok, err = f.c.r.TryCommand()
		}
		if err != nil {
			return err
		}
		if err := f.applier.Apply(batch, f.c.r.Raw()); err != nil {
			return err
		}
	}
	if n := f.s.Replication().History().Offset; n != offset {
		return fmt.Errorf("applied up to %d, the server stands at %d", n, offset)
	}
	return nil
}
