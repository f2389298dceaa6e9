package replication

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/replication/internal/server"
	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store/backlog"
)

// feed is one replica, seen from the node that feeds it.
//
//	           partial resync granted
//	request ----------------------------------------------------------> online
//	    |                                                                  ^
//	    +-> waiting (for company, for the cut) -> sending (the payload) ---+
//	                                                 with a mark: silent until the first acknowledgement
//
// Two goroutines: the one that served the connection so far goes on reading it, the other one owns the write side. The first failure of either closes the
// connection, which ends both. The writer of the store is never waited for, nor does it wait: the feed reads the backlog at its own pace and is ended when it is
// too far behind.
type feed struct {
	// Immutable.
	n      *node
	peer   *server.Peer
	req    psyncRequest
	since  time.Time
	seq    int64 // the order in which replicas came; set by attach
	ctx    context.Context
	cancel context.CancelFunc
	in     *resp.Reader  // on top of the one that came with the connection, with limits of its own; owned by receive
	first  chan struct{} // closed by the first acknowledgement
	resync Resync        // how it was taken on: set by attach, of a full resync complete with the cut

	// Owned by the sender once it runs; set before, or by the group's cut before it closes ready.
	reader *backlog.Reader
	hello  []byte       // the reply that grants a partial resync
	group  *syncGroup   // nil for a partial resync
	file   *payloadFile // nil for a payload with a mark

	payload transfer // of a full resync

	heard atomic.Int64 // unix nanoseconds of the last sign of life
	sent  atomic.Int64 // position in the stream up to which bytes were written
	over  atomic.Int64 // unix nanoseconds of the first look that saw it beyond the soft limit; 0 = it is not

	mu sync.Mutex

	// mu protects the fields below.
	state   FeedState
	acked   int64 // -1: nothing yet
	watched bool  // signs of life are due from here on
	err     error // why it ends; the first reason stays

	place    *backlog.Reader // the sender's reader, for those who judge; nil before the cut
	catching bool            // a full resync whose replica has not caught up yet: limits.go
}

// A replica has little to say. A client's limits would let it make us keep half a gigabyte.
const (
	maxAckWord  = 1 << 10 // bytes of an argument
	maxAckWords = 64
)

func newFeed(ctx context.Context, n *node, p *server.Peer, req psyncRequest) *feed {
	f := &feed{n: n, peer: p, req: req, since: time.Now(), first: make(chan struct{}), acked: -1}
	f.in = resp.NewReader(p.Reader, &resp.Limits{MaxBulk: maxAckWord, MaxArgs: maxAckWords})
	f.ctx, f.cancel = context.WithCancel(ctx)
	f.heard.Store(f.since.UnixNano())
	return f
}

// run serves the replica until it goes away or is dropped, and returns why.
func (f *feed) run() error {
	defer f.peer.Conn.Close()
	defer f.closeWith()()
	f.peer.Conn.SetDeadline(time.Time{})
	if refusal, err := f.n.attach(f); err != nil {
		f.write(refusal)
		f.n.log.Debug("replica refused", zap.String("replica", f.addr()), zap.String("reason", string(ReasonOf(err))), zap.Error(err))
		f.n.note(Event{Kind: ReplicaRefused, Peer: f.addr(), Reason: ReasonOf(err), Err: err})
		return err
	}
	defer f.n.detach(f)
	if f.group == nil {
		f.n.note(Event{Kind: ReplicaResynced, Peer: f.addr(), Reason: f.resync.Reason, Resync: &f.resync})
	}
	var wg sync.WaitGroup
	wg.Go(func() { f.fail(f.send()) })
	f.fail(f.receive())
	wg.Wait()
	return f.reason()
}

// closeWith closes the connection when the context of the server ends, which a blocked read or write would not hear. The function returned undoes that, or
// waits until it is done.
func (f *feed) closeWith() (undo func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(f.ctx, func() {
		defer close(done)
		f.fail(context.Cause(f.ctx))
	})
	return func() {
		if !stop() {
			<-done
		}
		f.cancel()
	}
}

// fail ends the feed because of err. The first reason stays. Safe anywhere.
func (f *feed) fail(err error) {
	f.because(err)
	f.peer.Conn.Close()
}

// because notes the reason and cancels: closeWith then closes the connection.
func (f *feed) because(err error) {
	f.mu.Lock()
	if f.err == nil {
		f.err = err
	}
	f.mu.Unlock()
	f.cancel()
}

// ended is called by the backlog when it ended the reader, on the goroutine of whoever writes to the store. It closes nothing itself: closing a TLS connection
// can take seconds, and the writer waits for nobody.
func (f *feed) ended(err error) { f.because(f.feedReason(err)) }

// feedReason translates what the backlog says.
func (f *feed) feedReason(err error) error {
	if over, ok := errorAs[backlog.ErrOverrun](err); ok {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.overrunLocked(over)
	}
	if errors.Is(err, backlog.ErrHistoryChanged) {
		return ErrHistoryChanged
	}
	return err
}

func (f *feed) reason() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// send is the sender goroutine. From here on it owns the write side of the connection.
func (f *feed) send() error {
	if f.group != nil {
		if err := f.fullSync(); err != nil {
			return err
		}
	} else if err := f.write(f.hello); err != nil {
		return err
	}
	f.become(FeedOnline)
	f.watch()
	return f.stream()
}

// chunk is how many bytes of the stream go out in one write at most.
const chunk = 64 << 10

func (f *feed) stream() error {
	for settled := false; ; {
		settled = settled || f.settle()
		b, err := f.reader.Next(f.ctx, chunk)
		if err != nil {
			return f.feedReason(err)
		}
		if err := f.write(b); err != nil {
			return err
		}
		f.sent.Store(f.reader.Position())
		f.ease()
	}
}

// write writes b. A replica that takes nothing for a whole timeout is given more time only if it showed that it lives: one that loads a large payload reads
// nothing meanwhile, but sends newlines. How far behind it may fall is the output limit's matter.
func (f *feed) write(b []byte) error {
	if f.sealed() {
		return f.writeSealed(b)
	}
	for len(b) > 0 {
		timeout := f.n.cfg.Load().timeout
		if err := f.peer.Conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		n, err := f.peer.Conn.Write(b)
		f.n.count(func(c *counters) { c.bytesOut += int64(n) })
		b = b[n:]
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if n == 0 && f.silence() >= timeout {
			return ErrStalled
		}
	}
	return nil
}

// Write makes the feed the destination of a payload.
func (f *feed) Write(b []byte) (int, error) {
	if err := f.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (f *feed) silence() time.Duration { return time.Since(unixNano(f.heard.Load())) }

// watch begins to expect signs of life: as soon as the payload is out, a replica that loads it sends newlines. One that asked with SYNC gives none.
func (f *feed) watch() {
	if f.req.old {
		return
	}
	f.mu.Lock()
	f.watched = true
	f.mu.Unlock()
	f.awaitSign()
}

// awaitSign gives the replica a whole timeout from now.
func (f *feed) awaitSign() {
	f.heard.Store(time.Now().UnixNano())
	f.peer.Conn.SetReadDeadline(time.Now().Add(f.n.cfg.Load().timeout))
}

// receive is the goroutine that served the connection before: it reads acknowledgements and newlines. Other commands have no meaning here and are passed
// over, as a replica of any server may have more to say than we know.
func (f *feed) receive() error {
	for {
		args, err := f.in.ReadCommand()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ErrAckTimeout
		}
		if err != nil {
			return err
		}
		f.heard.Store(time.Now().UnixNano())
		f.n.spoke()
		if f.sealed() {
			f.moreTime()
		}
		if f.expected() {
			f.awaitSign()
		}
		if count, ok := parseAck(args); ok {
			f.ack(count)
		}
	}
}

// expected tells whether signs of life are due at all: before the payload is out they are not.
func (f *feed) expected() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.watched
}

// ack notes what the replica holds. It never goes back, and never beyond what there is: a replica cannot make somebody believe in bytes that nobody wrote.
func (f *feed) ack(count int64) {
	count = min(count, f.n.repl.Backlog().Offset())
	f.mu.Lock()
	fresh := f.acked < 0
	f.acked = max(f.acked, count)
	f.mu.Unlock()
	if fresh {
		close(f.first)
	}
	f.n.acks.fire()
}

// has tells whether the replica is known to hold count bytes.
func (f *feed) has(count int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state == FeedOnline && f.acked >= count
}

func (f *feed) become(s FeedState) {
	f.mu.Lock()
	f.state = s
	f.mu.Unlock()
	f.n.acks.fire()
	f.n.spoke()
}

// online tells whether the replica follows the stream. One that was dropped does not, although it may be attached for a moment still.
func (f *feed) online() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state == FeedOnline && f.err == nil
}

// addr is what to show: the announced address as far as there is one.
func (f *feed) addr() string {
	if f.peer.IP == "" && f.peer.ListeningPort == 0 {
		return f.remote()
	}
	return net.JoinHostPort(f.ip(), strconv.Itoa(f.peer.ListeningPort))
}

func (f *feed) ip() string {
	if f.peer.IP != "" {
		return f.peer.IP
	}
	if host, _, err := net.SplitHostPort(f.remote()); err == nil {
		return host
	}
	return f.remote()
}

func (f *feed) remote() string { return addrText(f.peer.Conn.RemoteAddr()) }

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// queued is the number of bytes that the replica has not been sent.
func (f *feed) queued() int64 {
	from := f.sent.Load()
	if from == 0 {
		return 0
	}
	return max(f.n.repl.Backlog().Offset()-from, 0)
}

func (f *feed) info() ReplicaInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := ReplicaInfo{
		Addr: f.addr(), State: f.state, Acked: max(f.acked, 0), Heard: unixNano(f.heard.Load()),
		Queued: f.queued(), Since: f.since,
	}
	f.payload.sentTo(&i)
	f.standing(&i, f.n.rate.Load(), time.Now())
	return i
}

// wire is the same for the server's INFO and ROLE.
func (f *feed) wire() server.ReplicaState {
	f.mu.Lock()
	defer f.mu.Unlock()
	states := [...]string{FeedWaiting: server.ReplicaWaiting, FeedSending: server.ReplicaSending, FeedOnline: server.ReplicaOnline}
	return server.ReplicaState{
		ID: f.peer.ClientID, Addr: f.remote(), IP: f.ip(), Port: f.peer.ListeningPort,
		State: states[f.state], AckOffset: max(f.acked, 0), AckTime: unixNano(f.heard.Load()), Since: f.since,
		Name: f.peer.Name, LAddr: addrText(f.peer.Conn.LocalAddr()), Queued: f.queued(),
	}
}
