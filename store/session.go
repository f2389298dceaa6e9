package store

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

var sessionCommands = []Command{
	{Name: "SELECT", Arity: 2, Flags: FlagFast | FlagLoading | FlagStale, Run: (*Session).selectDB},
	{Name: "MULTI", Arity: 1, Flags: FlagFast | FlagLoading | FlagStale | FlagNoMulti, Run: (*Session).multi},
	{Name: "EXEC", Arity: 1, Flags: FlagLoading | FlagStale, Run: (*Session).exec},
	{Name: "DISCARD", Arity: 1, Flags: FlagFast | FlagLoading | FlagStale, Run: (*Session).discard},
	{Name: "WATCH", Arity: -2, Flags: FlagFast | FlagLoading | FlagStale | FlagNoMulti, FirstKey: 1, LastKey: -1, Step: 1, Run: (*Session).watch},
	{Name: "UNWATCH", Arity: 1, Flags: FlagFast | FlagLoading | FlagStale, Run: (*Session).unwatch},
}

// A Session is one client's execution context: its database, its open MULTI and
// what it watches. It is used by one goroutine at a time.
type Session struct {
	s      *Store
	extra  func(name string) *Command
	wait   func() (context.Context, func())
	permit func(*Command) resp.Value
	db     int
	offset int64

	queuing bool     // between MULTI and EXEC
	broken  bool     // a command was refused while queuing: EXEC will refuse all
	queue   []queued // owned copies
	watched []watch
	cost    int64 // memory that queue and watched take
}

type queued struct {
	cmd  *Command
	args [][]byte
}

// watchCost is what a watched key takes beside its name.
const watchCost = 64

// SessionOptions configure a session. The zero value is good.
type SessionOptions struct {
	// Extra finds commands that the caller adds to the store's own, by name in
	// upper case, or returns nil. Between MULTI and EXEC they are queued too and
	// run after the transaction's data commands.
	Extra func(name string) *Command

	// Wait is called when a command of the session has to wait: until ctx ends, at the
	// latest. The cause of that end says what the reply is: [ErrWaitOver], null; any
	// other, an error. done is called when the wait is over. Nil waits as long as it
	// takes.
	Wait func() (ctx context.Context, done func())

	// Permit is asked about each command whose words are in order, before it is run or
	// queued, and about those queued before EXEC runs them. It returns an error reply, or
	// the zero value for "yes". Nil permits everything.
	Permit func(cmd *Command) (refusal resp.Value)
}

// NewSession returns a session on database 0. It holds nothing that needs closing,
// except that one which has watched keys should be Reset at its end.
func (s *Store) NewSession(o *SessionOptions) *Session {
	c := &Session{s: s}
	if o != nil {
		c.extra, c.wait, c.permit = o.Extra, o.Wait, o.Permit
	}
	return c
}

// DB is the number of the selected database.
func (c *Session) DB() int { return c.db }

// Offset is the offset of the stream after the session's last write: what WAIT
// waits for.
func (c *Session) Offset() int64 { return c.offset }

// InMulti reports whether a MULTI is open.
func (c *Session) InMulti() bool { return c.queuing }

// Queued is the number of commands that an EXEC would run.
func (c *Session) Queued() int { return len(c.queue) }

// Store is the session's store.
func (c *Session) Store() *Store { return c.s }

// Reset forgets MULTI, WATCH and the selected database.
func (c *Session) Reset() {
	c.endMulti()
	c.db = 0
}

// Do executes one command, its name first, and returns the reply; errors are
// replies of Kind Error with Redis 7.0's texts. args may be reused afterwards.
func (c *Session) Do(args [][]byte) resp.Value {
	if len(args) == 0 {
		return resp.Err("ERR empty command")
	}
	cmd := c.lookup(args[0])
	if cmd == nil {
		return c.refuse(unknownCommand(args))
	}
	if !cmd.accepts(len(args)) {
		return c.refuseArity(cmd)
	}
	if cmd.check != nil {
		if err := cmd.check(args); err != nil {
			return c.refuse(reply(err))
		}
	}
	if v := c.permits(cmd); v.Kind != 0 {
		return c.refuse(v)
	}
	if c.queuing && !endsMulti(cmd) {
		return c.enqueue(cmd, args)
	}
	return c.run(cmd, args)
}

// permits asks who knows more than the store.
func (c *Session) permits(cmd *Command) (refusal resp.Value) {
	if c.permit == nil {
		return refusal
	}
	return c.permit(cmd)
}

// permitsAll is permits for what is queued.
func (c *Session) permitsAll() (refusal resp.Value) {
	for _, q := range c.queue {
		if refusal = c.permits(q.cmd); refusal.Kind != 0 {
			break
		}
	}
	return refusal
}

func (c *Session) lookup(name []byte) *Command {
	if cmd := lookup(name); cmd != nil && cmd.Flags&flagStream == 0 {
		return cmd
	}
	if c.extra == nil || len(name) > longestExtra {
		return nil
	}
	return c.extra(strings.ToUpper(string(name)))
}

const longestExtra = 64

func endsMulti(cmd *Command) bool {
	switch cmd.Name {
	case "EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET":
		return true
	}
	return false
}

func (c *Session) refuse(v resp.Value) resp.Value {
	c.broken = c.queuing
	return v
}

// refuseArity answers a command that has too few or too many words. An EXEC ends
// its transaction even so.
func (c *Session) refuseArity(cmd *Command) resp.Value {
	v := wrongArity(cmd.Name)
	if cmd.Name != "EXEC" {
		return c.refuse(v)
	}
	c.endMulti()
	return resp.Err(discarded + strings.TrimPrefix(v.Str, "ERR "))
}

// The parts of an unknown command that its error quotes are as long as in Redis.
const quotedBytes = 128

func unknownCommand(args [][]byte) resp.Value {
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= quotedBytes {
			break
		}
		b.WriteString("'" + clip(a, quotedBytes-b.Len()) + "' ")
	}
	text := "ERR unknown command '" + clip(args[0], quotedBytes) + "', with args beginning with: " + b.String()
	return resp.Err(strings.NewReplacer("\r", " ", "\n", " ").Replace(text))
}

// clip is what an error quotes of b: at most n bytes, and nothing after a NUL.
func clip(b []byte, n int) string {
	b, _, _ = bytes.Cut(b[:min(len(b), n)], []byte{0})
	return string(b)
}

func (c *Session) enqueue(cmd *Command, args [][]byte) resp.Value {
	if cmd.Flags&FlagNoMulti != 0 {
		return c.refuse(resp.Err("ERR Command not allowed inside a transaction"))
	}
	if err := c.s.refuses(cmd, args); err != nil {
		return c.refuse(reply(err))
	}
	if c.broken {
		return resp.SimpleString("QUEUED") // EXEC will refuse it: nothing needs to be kept
	}
	if !c.afford(costOf(args)) {
		c.queue = nil
		return c.refuse(errTooMuch)
	}
	own := make([][]byte, len(args))
	for i, a := range args {
		own[i] = slices.Clone(a)
	}
	c.queue = append(c.queue, queued{cmd, own})
	return resp.SimpleString("QUEUED")
}

func (c *Session) run(cmd *Command, args [][]byte) resp.Value {
	switch {
	case cmd.Run != nil:
		return cmd.Run(c, args)
	case cmd.block != nil:
		return c.mayBlock(cmd, args)
	case cmd.Flags&FlagWrite != 0:
		return c.write(cmd, args)
	case cmd.Flags&flagPublish != 0:
		return c.publish(cmd, args)
	}
	return c.read(cmd, args)
}

// mayBlock runs a command that may wait. That its write is refused comes before a look at
// the arguments.
func (c *Session) mayBlock(cmd *Command, args [][]byte) resp.Value {
	if cmd.Flags&FlagWrite == 0 {
		return c.readOrBlock(cmd, args)
	}
	if err := c.s.refuses(cmd, args); err != nil {
		return reply(err)
	}
	w, err := cmd.block(args)
	if err != nil {
		return reply(err)
	}
	if w.once {
		return c.write(cmd, args)
	}
	return c.blockOn(w)
}

// readOrBlock runs a command that waits only if it is told to, and only reads: without the
// writer lock, unless it has to wait.
func (c *Session) readOrBlock(cmd *Command, args [][]byte) resp.Value {
	v := c.read(cmd, args)
	if !v.IsNull() {
		return v
	}
	w, err := cmd.block(args)
	if err != nil || w.once {
		return v
	}
	return c.blockOn(w)
}

func (c *Session) write(cmd *Command, args [][]byte) (v resp.Value) {
	var made *table.Entry
	if cmd.prepare != nil {
		made = cmd.prepare(args)
	}
	err := c.s.change(c.db, cmd.grows(args), func(x *exec) error {
		x.made = made
		v = cmd.run(x, args)
		return nil
	})
	if err != nil {
		return reply(err)
	}
	c.offset = c.s.backlog.Offset()
	return v
}

func (c *Session) read(cmd *Command, args [][]byte) (v resp.Value) {
	over := c.s.readMany
	if cmd.Flags&flagOneKey != 0 {
		over = c.s.readOne
	}
	stale := false
	err := over(c.db, func(x *exec) {
		x.tally = true
		v = cmd.run(x, args)
		stale = x.stale
	})
	if err != nil {
		return reply(err)
	}
	if stale && c.s.refresh(c.db, func(x *exec) { v = cmd.run(x, args) }) {
		c.offset = c.s.backlog.Offset()
	}
	return v
}

func (c *Session) selectDB(args [][]byte) resp.Value {
	n, err := parseDB(argString(args, 1))
	if err == nil {
		err = c.s.checkDB(n)
	}
	if err != nil {
		return reply(err)
	}
	c.db = n
	return resp.OK()
}

func (c *Session) multi([][]byte) resp.Value {
	if c.queuing {
		return resp.Err("ERR MULTI calls can not be nested")
	}
	c.queuing = true
	return resp.OK()
}

func (c *Session) discard([][]byte) resp.Value {
	if !c.queuing {
		return resp.Err("ERR DISCARD without MULTI")
	}
	c.endMulti()
	return resp.OK()
}

func (c *Session) endMulti() {
	c.queuing, c.broken = false, false
	c.queue, c.cost = nil, 0
	c.forgetWatched()
}

// afford reports whether the open transaction may take n more bytes. What a
// client has us keep is bounded like a MULTI of the stream.
func (c *Session) afford(n int64) bool {
	if c.cost+n > c.s.opts.TransactionBytes {
		return false
	}
	c.cost += n
	return true
}

// costOf is what a command takes in the queue.
func costOf(args [][]byte) int64 {
	n := int64(frameCost)
	for _, a := range args {
		n += int64(len(a)) + argCost
	}
	return n
}

// errTooMuch is the reply to what would be kept beyond that.
var errTooMuch = resp.Err("ERR transaction exceeds the limit")

func (c *Session) watch(args [][]byte) resp.Value {
	if c.queuing {
		return resp.Err("ERR WATCH inside MULTI is not allowed")
	}
	if err := c.s.lock(); err != nil {
		return reply(err)
	}
	defer c.s.unlock()
	for _, a := range args[1:] {
		if !c.afford(int64(len(a)) + watchCost) {
			return errTooMuch
		}
		c.watched = append(c.watched, c.s.watchKey(c.db, string(a)))
	}
	return resp.OK()
}

func (c *Session) unwatch([][]byte) resp.Value {
	c.forgetWatched()
	c.cost = 0
	return resp.OK()
}

// forgetWatched ends the watching of all keys.
func (c *Session) forgetWatched() {
	if len(c.watched) == 0 {
		return
	}
	c.s.unwatch(c.watched)
	c.watched = nil
}

// discarded begins the reply to an EXEC that is refused.
const discarded = "EXECABORT Transaction discarded because of: "

// exec runs the queue as one commit. While the stream is sealed it changes nothing, so that
// the same EXEC can be tried again.
func (c *Session) exec([][]byte) resp.Value {
	if !c.queuing {
		return resp.Err("ERR EXEC without MULTI")
	}
	queue, broken := c.queue, c.broken
	if broken {
		c.endMulti()
		return resp.Err("EXECABORT Transaction discarded because of previous errors.")
	}
	if v := c.permitsAll(); v.Kind != 0 {
		c.endMulti()
		return resp.Err(discarded + v.Str)
	}
	replies, err := c.transact(queue)
	if err == ErrSealed {
		return reply(err) // the transaction stays open
	}
	c.endMulti()
	if err != nil {
		return reply(err)
	}
	if replies == nil {
		return resp.NullArray()
	}
	for i, q := range queue {
		if q.cmd.Run != nil && q.cmd.Name != "SELECT" {
			replies[i] = q.cmd.Run(c, q.args)
		}
	}
	return resp.ArrayOf(replies...)
}

// transact runs the data commands of queue under one hold of the writer lock.
// It returns nil when something watched has changed.
func (c *Session) transact(queue []queued) ([]resp.Value, error) {
	if err := c.s.lock(); err != nil {
		return nil, err
	}
	defer c.s.unlock()
	writes, messages, refreshes := countKinds(queue)
	if err := c.s.admitAll(queue, writes); err == ErrSealed && writes+messages > 0 {
		return nil, err
	} else if err != nil && writes > 0 {
		return nil, &Error{discarded + err.Error()}
	}
	if c.s.spoilt(c.watched) {
		return nil, nil
	}
	cm := c.s.begin(c.db, client)
	cm.atomicIf(writes+refreshes > 1)
	replies := c.runQueue(&cm.x, queue)
	cm.finish()
	if writes > 0 || cm.parts > 0 {
		c.offset = c.s.backlog.Offset()
	}
	return replies, nil
}

// countKinds counts the commands that may change data, those that send a message, and
// reads that may refresh what they find.
func countKinds(queue []queued) (writes, messages, refreshes int) {
	for _, q := range queue {
		if q.cmd.Flags&FlagWrite != 0 {
			writes++
		}
		if q.cmd.Flags&flagPublish != 0 {
			messages++
		}
		if q.cmd.Flags&flagRefresh != 0 {
			refreshes++
		}
	}
	return writes, messages, refreshes
}

// admitAll is admit for a transaction that has so many writes. One that only reads needs
// no room.
func (s *Store) admitAll(queue []queued, writes int) error {
	if writes == 0 {
		return s.closedToWrites()
	}
	return s.admit(slices.ContainsFunc(queue, func(q queued) bool { return q.cmd.grows(q.args) }))
}

func (c *Session) runQueue(x *exec, queue []queued) []resp.Value {
	replies := make([]resp.Value, len(queue))
	for i, q := range queue {
		switch {
		case q.cmd.run != nil:
			replies[i] = q.cmd.run(x, q.args)
		case q.cmd.Name == "SELECT":
			replies[i] = c.selectDB(q.args)
			x.db = c.db
		}
	}
	return replies
}

// Spoil notes that a command was refused before it came to the session. If it was meant
// for a transaction, EXEC will refuse that.
func (c *Session) Spoil() { c.broken = c.queuing }
