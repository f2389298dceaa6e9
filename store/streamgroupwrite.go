package store

import (
	"github.com/understudy-go/understudy/store/internal/table"
)

// ErrGroupExists is returned by the making of a group that is there.
var ErrGroupExists = &Error{"BUSYGROUP Consumer Group name already exists"}

var errGroupNoKey = &Error{"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."}

// xgroupRef looks a stream up for a sub-command of XGROUP. It must be there, unless it
// may be made, and some need the group, too.
func (x *exec) xgroupRef(word, key, group string, mayMake bool) (ref, error) {
	r, err := x.streamRef(key)
	switch {
	case err != nil || mayMake:
		return r, err
	case r.e == nil:
		return r, errGroupNoKey
	case word == "CREATE" || word == "DESTROY" || streamBody(r.e).group(group) != nil:
		return r, nil
	}
	return r, noGroupOf(key, group)
}

// groupStart reads where a group begins: an ID, or $ for the last of b, which may be nil.
func groupStart(text string, b *bigStream, read func(string) (StreamID, error)) (StreamID, error) {
	switch {
	case text != "$":
		return read(text)
	case b == nil:
		return StreamID{}, nil
	}
	return b.last, nil
}

// xgroupCreate makes a group of the stream of r, and the stream if there is none.
func (x *exec) xgroupCreate(r ref, group, start string, o xgroupOptions) error {
	b := streamBody(r.e)
	last, err := groupStart(start, b, ParseStreamID)
	switch {
	case err != nil:
		return err
	case b != nil && b.group(group) != nil:
		return ErrGroupExists
	case b != nil:
		x.groupEdit(r, func(b *bigStream) { b.addGroup(group, last, o.read) })
	default:
		b = newBigStream(x.c.version)
		b.addGroup(group, last, o.read)
		x.c.put(r, table.NewBig(x.c.version, table.Stream, r.key, b, 0))
	}
	args := []string{"XGROUP", "CREATE", r.key, group, start}
	if o.make {
		args = append(args, "MKSTREAM")
	}
	x.c.effect(x.db, o.effect(args)...)
	x.event(eventStream, "xgroup-create", r.key)
	return nil
}

func (o xgroupOptions) effect(args []string) []string {
	if o.read != unknownRead {
		args = append(args, "ENTRIESREAD", formatInt(o.read))
	}
	return args
}

// xgroupSetID sets how far a group, which is there, has read.
func (x *exec) xgroupSetID(r ref, group, start string, o xgroupOptions) error {
	last, err := groupStart(start, streamBody(r.e), func(text string) (StreamID, error) { return parseStreamEnd(text, 0) })
	if err != nil {
		return err
	}
	x.groupEdit(r, func(b *bigStream) {
		g := b.ownGroup(group)
		g.last, g.read = last, o.read
	})
	x.c.effect(x.db, o.effect([]string{"XGROUP", "SETID", r.key, group, start})...)
	x.event(eventStream, "xgroup-setid", r.key)
	return nil
}

// xgroupDestroy removes a group. Who waits for news of it is told at once.
func (x *exec) xgroupDestroy(r ref, group string) bool {
	if streamBody(r.e).group(group) == nil {
		return false
	}
	x.groupEdit(r, func(b *bigStream) { b.removeGroup(group) })
	x.c.s.mu.blocked.note(r.db, r.key)
	x.c.effect(x.db, "XGROUP", "DESTROY", r.key, group)
	x.event(eventStream, "xgroup-destroy", r.key)
	return true
}

// xgroupCreateConsumer makes a consumer of a group, which is there.
func (x *exec) xgroupCreateConsumer(r ref, group, consumer string) bool {
	if streamBody(r.e).group(group).consumer(consumer) != nil {
		return false
	}
	x.groupEdit(r, func(b *bigStream) { b.addConsumer(b.ownGroup(group), consumer, x.clock()) })
	x.c.effect(x.db, "XGROUP", "CREATECONSUMER", r.key, group, consumer)
	x.event(eventStream, "xgroup-createconsumer", r.key)
	return true
}

// xgroupDelConsumer removes a consumer of a group, which is there, with what is pending
// for it, and returns how many entries that were.
func (x *exec) xgroupDelConsumer(r ref, group, consumer string) (pending int) {
	if streamBody(r.e).group(group).consumer(consumer) == nil {
		return 0
	}
	x.groupEdit(r, func(b *bigStream) { pending = b.removeConsumer(b.ownGroup(group), consumer) })
	x.c.effect(x.db, "XGROUP", "DELCONSUMER", r.key, group, consumer)
	x.event(eventStream, "xgroup-delconsumer", r.key)
	return pending
}
