package store

import (
	"bytes"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/internal/table"
)

// A Frame is one command of the stream.
type Frame struct {
	Args [][]byte
	Size int // bytes on the wire
}

// An Applier turns the stream of a primary into commits. It applies whole units
// only: one command, or MULTI to EXEC. A unit that has not arrived whole is held
// back, so the offset never stands in the middle of one. Used by one goroutine.
type Applier struct {
	s *Store

	held   []byte  // the bytes of an unfinished MULTI
	frames []Frame // the same, parsed; their Args alias copies of their own
	multi  bool
	cost   int64 // memory that the two take

	done int // bytes of the batch at hand that belong to applied units

	hashes  []uint64 // scratch of touch
	touched uint64   // keeps touch's loads from being removed as useless
}

// NewApplier returns an applier that goes on where the history stands, with the
// database that its stream has selected.
func (r Replication) NewApplier() *Applier { return &Applier{s: r.s} }

// Held is the number of bytes held back of an unfinished MULTI.
func (a *Applier) Held() int { return len(a.held) }

// Drop forgets what is held back. Call it when the link breaks: the bytes will
// be asked for again.
func (a *Applier) Drop() { a.held, a.frames, a.multi, a.cost = nil, nil, false, 0 }

// Apply applies frames, whose bytes are raw, exactly and in order. The writer
// lock is taken once. Neither is kept. An error is terminal: what came before
// the offending unit was applied, the rest was not.
func (a *Applier) Apply(frames []Frame, raw []byte) error {
	s := a.s
	s.mu.Lock()
	defer s.unlock()
	if s.mu.closed {
		return ErrClosed
	}
	a.done = 0
	err := a.applyUnits(frames)
	if a.done > 0 {
		a.forward(raw[:a.done])
	}
	if err != nil {
		return err
	}
	return a.hold(raw[a.done:])
}

// forward appends the bytes of applied units to our own stream, unchanged. The
// unit that was held back is the first that the batch completed.
func (a *Applier) forward(raw []byte) {
	if len(a.held) > 0 {
		raw = append(a.held, raw...)
		a.held = nil
	}
	a.s.backlog.Append(raw)
	a.s.fresh.Store(false)
}

func (a *Applier) applyUnits(frames []Frame) error {
	first, at := 0, 0 // of the unit that is being collected: frame, and bytes before the next frame
	before := a.s.backlog.Offset() + int64(len(a.held))
	for i, f := range frames {
		if i%touchAhead == 0 {
			a.touch(frames[i:min(i+touchAhead, len(frames))])
		}
		if !a.multi {
			first = i
		}
		whole, err := a.collect(f, before+int64(at))
		at += f.Size
		if err == nil && whole {
			unit := frames[first : i+1]
			if len(a.frames) > 0 {
				unit = append(a.frames, unit...)
			}
			err = a.applyUnit(unit, before+int64(at))
		}
		if err != nil {
			return err
		}
		if whole {
			a.frames, a.cost, a.done, first = nil, 0, at, i+1
		}
	}
	if a.multi {
		a.keepFrames(frames[first:])
	}
	return nil
}

// touchAhead is how many commands are looked up ahead of being applied. Applying
// one is mostly waiting for memory; so many wait at once.
const touchAhead = 32

// touch brings what the frames' keys need into the processor's cache. It takes
// the first argument for a key: a wrong guess costs a little time.
func (a *Applier) touch(frames []Frame) {
	tab := a.s.view.Load().gen.spaces[max(a.s.backlog.History().StreamDB, 0)].tab
	a.hashes = a.hashes[:0]
	for _, f := range frames {
		if len(f.Args) > 1 {
			a.hashes = append(a.hashes, tab.Hash(table.View(f.Args[1])))
		}
	}
	a.touched += tab.Touch(a.hashes, true)
}

// collect notes where a unit begins and reports whether f, which stands at the
// given offset, ends one.
func (a *Applier) collect(f Frame, offset int64) (whole bool, err error) {
	if len(f.Args) == 0 {
		return !a.multi, nil
	}
	switch name := f.Args[0]; {
	case isWord(name, "MULTI"):
		if a.multi {
			return false, &StreamError{Name: "MULTI", Offset: offset, Err: ErrSyntax}
		}
		a.multi = true
	case isWord(name, "EXEC"):
		if !a.multi {
			return false, &StreamError{Name: "EXEC", Offset: offset, Err: ErrSyntax}
		}
		a.multi = false
	}
	return !a.multi, nil
}

// keepFrames copies the frames of an unfinished unit: the caller reuses theirs.
func (a *Applier) keepFrames(frames []Frame) {
	for _, f := range frames {
		args := make([][]byte, len(f.Args))
		for i, arg := range f.Args {
			args[i] = bytes.Clone(arg)
		}
		a.frames = append(a.frames, Frame{args, f.Size})
		a.cost += int64(2*f.Size) + frameCost + int64(len(args))*argCost
	}
}

// What a frame that is held back takes beside its bytes, which are kept twice:
// as they came, to be forwarded, and parsed.
const (
	frameCost = 32
	argCost   = 24 + 16 // a slice, and what the allocator rounds up
)

func (a *Applier) hold(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	if a.cost > a.s.opts.TransactionBytes {
		a.Drop()
		return ErrTransactionTooBig
	}
	a.held = append(a.held, raw...)
	return nil
}

// applyUnit makes one commit of a unit, which ends at the given offset.
func (a *Applier) applyUnit(unit []Frame, end int64) error {
	b, offset := a.s.backlog, end
	for _, f := range unit {
		offset -= int64(f.Size)
	}
	c := a.s.begin(max(b.History().StreamDB, 0), stream)
	c.ahead = end - b.Offset()
	c.atomicIf(len(unit) > 3) // MULTI, one command, EXEC
	for _, f := range unit {
		if err := a.applyFrame(&c.x, f, offset); err != nil {
			c.abandon()
			return err
		}
		offset += int64(f.Size)
	}
	b.SetStreamDB(c.x.db)
	c.finish()
	return nil
}

func (a *Applier) applyFrame(x *exec, f Frame, offset int64) error {
	if len(f.Args) == 0 {
		return nil
	}
	name := f.Args[0]
	switch {
	case isWord(name, "MULTI"), isWord(name, "EXEC"):
		return nil
	case isWord(name, "SELECT") && len(f.Args) == 2:
		return a.selectDB(x, f, offset)
	case isWord(name, "RREPLAY"):
		return a.replay(x, f, offset)
	}
	cmd := lookup(name)
	if cmd == nil || cmd.run == nil {
		return &UnknownCommandError{string(name), offset}
	}
	if !cmd.accepts(len(f.Args)) {
		return &StreamError{Name: cmd.Name, Offset: offset, Err: &Error{wrongArity(cmd.Name).Str}}
	}
	if v := cmd.run(x, f.Args); v.Kind == resp.Error {
		return &StreamError{Name: cmd.Name, Offset: offset, Err: &Error{v.Str}, text: withoutArgs(v.Str, f.Args)}
	}
	return nil
}

func (a *Applier) selectDB(x *exec, f Frame, offset int64) error {
	n, err := parseInt(argString(f.Args, 1))
	if err == nil && (n < 0 || n >= int64(a.s.opts.Databases)) {
		err = ErrNoDatabase
	}
	if err != nil {
		return &StreamError{Name: "SELECT", Offset: offset, Err: err}
	}
	x.db = int(n)
	return nil
}
