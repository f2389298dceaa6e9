package replication

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/understudy-go/understudy/replication/internal/server"
)

// transfer is how far a payload has come: over a connection, into a file, or out of one. The goroutine that moves it writes, anybody reads. The zero value
// is one that has not begun.
type transfer struct {
	began atomic.Int64 // unix nanoseconds; 0 = not begun
	ended atomic.Int64 // unix nanoseconds; 0 = under way
	bytes atomic.Int64
	total atomic.Int64 // 0 = not known
	keys  atomic.Int64 // decoded so far, where somebody decodes
}

// begin starts over, with the size in bytes if that is known, else 0 or less.
func (t *transfer) begin(total int64) {
	t.bytes.Store(0)
	t.keys.Store(0)
	t.ended.Store(0)
	t.total.Store(max(total, 0))
	t.began.Store(time.Now().UnixNano())
}

// reset makes it one that has not begun.
func (t *transfer) reset() {
	t.begin(0)
	t.began.Store(0)
}

// end stops the clock, at the end of the payload or where it broke.
func (t *transfer) end() { t.ended.Store(time.Now().UnixNano()) }

func (t *transfer) running() bool { return t.began.Load() != 0 && t.ended.Load() == 0 }

// elapsed is the time that it has taken up to now.
func (t *transfer) elapsed(now time.Time) time.Duration {
	began := t.began.Load()
	if began == 0 {
		return 0
	}
	until := now.UnixNano()
	if ended := t.ended.Load(); ended != 0 {
		until = ended
	}
	return time.Duration(max(until-began, 0))
}

// rate is the mean of bytes a second since it began, 0 before there is any. A mean, because it needs nobody who measures: a transfer that stalls shows
// a rate that goes down.
func (t *transfer) rate(now time.Time) int64 {
	d := t.elapsed(now).Seconds()
	if d <= 0 {
		return 0
	}
	return int64(float64(t.bytes.Load()) / d)
}

// due is when it will be complete if it goes on at its rate. It is zero where that would be a guess: no size, no bytes yet, or nothing under way.
func (t *transfer) due(now time.Time) time.Time {
	bytes, total := t.bytes.Load(), t.total.Load()
	if !t.running() || total <= 0 || bytes <= 0 {
		return time.Time{}
	}
	left := float64(max(total-bytes, 0)) / float64(bytes) * float64(t.elapsed(now))
	if left > float64(1<<62) { // centuries: no date that anybody can use, and beyond a Duration
		return time.Time{}
	}
	return now.Add(time.Duration(left))
}

// reader counts what is read through it.
func (t *transfer) reader(r io.Reader) io.Reader { return &countedReader{r, t} }

type countedReader struct {
	r io.Reader
	t *transfer
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.t.bytes.Add(int64(n))
	return n, err
}

// Progress is how far the payload of a full resync is.
type Progress struct {
	Spooled int64     // bytes written to a temporary file, where the mode has one
	Loaded  int64     // bytes decoded
	Keys    int64     // decoded
	Total   int64     // bytes of the payload; 0 = the primary does not say
	Rate    int64     // bytes a second, since this step began
	End     time.Time // when the step will be over at that rate; zero where that would be a guess
}

// syncPeriod is the time between two events of one full resync.
const syncPeriod = 10 * time.Second

// pulse tells how far the payload is, if it is time. The link's goroutine calls it between two reads.
func (l *link) pulse() {
	now := time.Now()
	if now.Before(l.pulseAt) {
		return
	}
	l.pulseAt = now.Add(syncPeriod)
	t := l.currentTransfer()
	l.n.note(Event{Kind: Syncing, Peer: l.to.addr, Progress: &Progress{
		Spooled: l.spool.bytes.Load(), Loaded: l.load.bytes.Load(), Keys: l.load.keys.Load(),
		Total: t.total.Load(), Rate: t.rate(now), End: t.due(now),
	}})
}

// pulsing calls pulse before each read.
type pulsing struct {
	r io.Reader
	l *link
}

func (p *pulsing) Read(b []byte) (int, error) {
	p.l.pulse()
	return p.r.Read(b)
}

// currentTransfer is the one that a status tells about: into the file while there is one, out of it or from the connection afterwards.
func (l *link) currentTransfer() *transfer {
	if l.load.began.Load() == 0 {
		return &l.spool
	}
	return &l.load
}

// progress fills in how far the payload of a full resync has come.
func (l *link) progress(s *Status) {
	now, t := time.Now(), l.currentTransfer()
	s.Spooled, s.Loaded, s.LoadedKeys = l.spool.bytes.Load(), l.load.bytes.Load(), l.load.keys.Load()
	s.Total, s.LoadRate, s.LoadEnd = t.total.Load(), t.rate(now), t.due(now)
	s.Vacant = l.n.repl.Vacant()
}

// transferTo is the same for INFO, where what came over the link and what was decoded of it are two groups of fields.
func (l *link) transferTo(up *server.UpstreamState) {
	arrived := &l.load
	if l.spool.began.Load() != 0 {
		arrived = &l.spool
	}
	up.LoadedBytes, up.TotalBytes = arrived.bytes.Load(), arrived.total.Load()
	if l.load.running() {
		up.LoadStart = unixNano(l.load.began.Load())
		up.DecodedBytes, up.DecodeTotal = l.load.bytes.Load(), l.load.total.Load()
		up.LoadEnd = l.load.due(time.Now())
	}
}

// sentTo fills in how far the payload to a replica has come.
func (t *transfer) sentTo(i *ReplicaInfo) {
	now := time.Now()
	i.Sent, i.SentTotal, i.SentRate, i.SentEnd = t.bytes.Load(), t.total.Load(), t.rate(now), t.due(now)
}
