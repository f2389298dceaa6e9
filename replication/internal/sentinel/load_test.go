package sentinel

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

const (
	loadWriters  = 3
	waitEvery    = 5                    // rounds
	waitTimeout  = "100"                // milliseconds
	retryAfter   = 5 * time.Millisecond // looking for the primary
	transactions = "3"                  // the database of what is written by transactions
)

// load is clients that write until the test ends. Each looks for the primary when it has lost it, as clients of Sentinel do.
type load struct {
	t        *testing.T
	find     func() string // address of the primary, "" while nobody knows it; called by the writers
	need     int           // how many replicas must acknowledge
	password string
	done     chan struct{}
	wg       sync.WaitGroup
	gate     sync.RWMutex // writers hold it for reading during a round
	writers  []*writer
}

// writer is one client. Its keys are nobody else's, so it knows what each reply must be.
type writer struct {
	l      *load
	name   string
	rounds atomic.Int64 // finished
	acks   atomic.Int64 // rounds that were acknowledged by WAIT

	mu sync.Mutex

	// mu protects the field below.
	safe written // what replicas have acknowledged
}

// written counts what is in the data set.
type written struct {
	counter, list int64 // by single commands
	pair, pairs   int64 // in one transaction: equal, always
}

func startLoad(t *testing.T, need int, password string, find func() string) *load {
	t.Helper()
	l := &load{t: t, find: find, need: need, password: password, done: make(chan struct{})}
	for i := range loadWriters {
		w := &writer{l: l, name: strconv.Itoa(i)}
		l.writers = append(l.writers, w)
		l.wg.Go(w.run)
	}
	t.Cleanup(l.stop)
	return l
}

// stop ends the writers; a second time does nothing. Only the goroutine of the test calls it.
func (l *load) stop() {
	select {
	case <-l.done:
	default:
		close(l.done)
	}
	l.wg.Wait()
}

// hold keeps the writers from beginning a round, and returns when none is in one.
func (l *load) hold() { l.gate.Lock() }

func (l *load) release() { l.gate.Unlock() }

// awaitAcks returns when each writer has n more rounds that enough replicas have acknowledged.
func (l *load) awaitAcks(ms members, n int64) {
	l.t.Helper()
	l.awaitMore(ms, n, func(w *writer) int64 { return w.acks.Load() }, "acknowledged writes")
}

// awaitRounds returns when each writer has written n more rounds.
func (l *load) awaitRounds(ms members, n int64) {
	l.t.Helper()
	l.awaitMore(ms, n, func(w *writer) int64 { return w.rounds.Load() }, "writes")
}

func (l *load) awaitMore(ms members, n int64, count func(*writer) int64, what string) {
	l.t.Helper()
	from := make([]int64, len(l.writers))
	for i, w := range l.writers {
		from[i] = count(w)
	}
	ms.await(l.t, patience, what, func() bool {
		for i, w := range l.writers {
			if count(w) < from[i]+n {
				return false
			}
		}
		return true
	})
}

// breakOff kills the primary when it has writes that no replica has: its links are cut first, and come back later than the next writes come. Without that all
// writes would be on their way when it dies, and none could be lost.
func (l *load) breakOff(primary *member) {
	l.t.Helper()
	primary.KillReplicaLinks()
	l.awaitRounds(members{primary}, 2*waitEvery)
	primary.Kill()
}

// run writes, to whom it may.
func (w *writer) run() {
	retry := time.NewTicker(retryAfter)
	defer retry.Stop()
	for {
		if addr := w.l.find(); addr != "" {
			w.session(addr)
		}
		select {
		case <-w.l.done:
			return
		case <-retry.C:
		}
	}
}

// session writes over one connection until it fails, which is how a client learns of a failover.
func (w *writer) session(addr string) {
	c, err := realserver.Dial(addr)
	if err != nil {
		return
	}
	defer c.Close()
	if w.l.password != "" && c.Do("AUTH", w.l.password) != "OK" {
		return
	}
	if role, ok := c.Do("ROLE").([]any); !ok || role[0] != "master" {
		return // not any more, or not yet
	}
	now, err := readWritten(c, w.name)
	if err != nil {
		return
	}
	w.check(addr, now)
	for err == nil {
		err = w.round(c, &now)
	}
	if wrong, ok := err.(wrongReply); ok {
		w.l.t.Errorf("writer %s at %s: %v", w.name, addr, wrong)
	}
}

// check holds what a primary has against what replicas have acknowledged.
func (w *writer) check(where string, now written) {
	w.mu.Lock()
	safe := w.safe
	w.mu.Unlock()
	if now.counter < safe.counter || now.list < safe.list || now.pair < safe.pair {
		w.l.t.Errorf("writer %s: %s has %+v, and %d replicas had acknowledged %+v", w.name, where, now, w.l.need, safe)
	}
	if now.pair != now.pairs {
		w.l.t.Errorf("writer %s: %s has half a transaction: %+v", w.name, where, now)
	}
}

func readWritten(d realserver.Doer, name string) (n written, err error) {
	for _, step := range []struct {
		to   *int64
		line string
	}{
		{nil, "SELECT 0"}, {&n.counter, "GET counter:" + name}, {&n.list, "LLEN list:" + name},
		{nil, "SELECT " + transactions}, {&n.pair, "GET pair:" + name}, {&n.pairs, "LLEN pairs:" + name}, {nil, "SELECT 0"},
	} {
		v := d.Do(strings.Fields(step.line)...)
		if err, failed := v.(error); failed {
			return n, err
		}
		if step.to == nil || v == nil {
			continue
		}
		if *step.to, err = strconv.ParseInt(fmt.Sprint(v), 10, 64); err != nil {
			return n, err
		}
	}
	return n, nil
}

// wrongReply is a reply that tells of something lost or done twice.
type wrongReply string

func (e wrongReply) Error() string { return string(e) }

// errOver ends a session whose test has ended.
type errOver struct{}

func (errOver) Error() string { return "the load ends" }

// round writes once more; now is what the primary has.
func (w *writer) round(c *realserver.Conn, now *written) error {
	w.l.gate.RLock()
	defer w.l.gate.RUnlock()
	select {
	case <-w.l.done:
		return errOver{}
	default:
	}
	n := strconv.FormatInt(now.list, 10)
	steps := []struct {
		line  string
		count *int64 // what the reply must be, once it is one more
	}{
		{"INCR counter:" + w.name, &now.counter},
		{"RPUSH list:" + w.name + " " + n, &now.list},
		{"HINCRBY hash:" + w.name + " f" + n[len(n)-1:] + " 3", nil},
		{"ZINCRBY sorted:" + w.name + " 2 m" + n[len(n)-1:], nil},
		{"SADD set " + w.name + ":" + n, nil},
		{"SPOP set", nil},
		{"APPEND text:" + w.name + " x", nil},
	}
	for _, s := range steps {
		if err := one(c, s.line, s.count); err != nil {
			return err
		}
	}
	if err := w.transaction(c, now); err != nil {
		return err
	}
	w.rounds.Add(1)
	if w.rounds.Load()%waitEvery == 0 {
		return w.wait(c, *now)
	}
	return nil
}

// one runs a command whose reply must be one more than count.
func one(c *realserver.Conn, line string, count *int64) error {
	v := c.Do(strings.Fields(line)...)
	if err, failed := v.(error); failed {
		return err
	}
	if count == nil {
		return nil
	}
	if v != *count+1 {
		return wrongReply(fmt.Sprintf("%s = %v, want %d", line, v, *count+1))
	}
	*count++
	return nil
}

// transaction writes twice, in another database.
func (w *writer) transaction(c *realserver.Conn, now *written) error {
	for _, line := range []string{"SELECT " + transactions, "MULTI", "INCR pair:" + w.name, fmt.Sprintf("RPUSH pairs:%s %d", w.name, now.pair)} {
		if err := one(c, line, nil); err != nil {
			return err
		}
	}
	v := c.Do("EXEC")
	if err, failed := v.(error); failed {
		return err
	}
	if want := fmt.Sprint([]any{now.pair + 1, now.pairs + 1}); fmt.Sprint(v) != want {
		return wrongReply(fmt.Sprintf("EXEC = %v, want %v", v, want))
	}
	now.pair++
	now.pairs++
	return one(c, "SELECT 0", nil)
}

// wait asks for acknowledgements. What has enough of them must never be missing from here on.
func (w *writer) wait(c *realserver.Conn, now written) error {
	v := c.Do("WAIT", strconv.Itoa(w.l.need), waitTimeout)
	if err, failed := v.(error); failed {
		return err
	}
	if have, ok := v.(int64); !ok || have < int64(w.l.need) {
		return nil // not now: the writes may be lost, and are not counted
	}
	w.mu.Lock()
	w.safe = now
	w.mu.Unlock()
	w.acks.Add(1)
	return nil
}

// verify looks at all that was written, on a member of which nothing is missing. The load has stopped.
func (l *load) verify(m *member) {
	l.t.Helper()
	c := m.Conn()
	for _, w := range l.writers {
		now, err := readWritten(c, w.name)
		if err != nil {
			l.t.Fatalf("%s: %v", m.name, err)
		}
		w.check(m.name, now)
		l.inOrder(c, m.name, "0", "list:"+w.name, now.list)
		l.inOrder(c, m.name, transactions, "pairs:"+w.name, now.pairs)
	}
}

// inOrder wants the elements of a list to be 0, 1, 2, ... n-1.
func (l *load) inOrder(c *realserver.Conn, where, db, key string, n int64) {
	l.t.Helper()
	c.Do("SELECT", db)
	list, _ := c.Do("LRANGE", key, "0", "-1").([]any)
	if int64(len(list)) != n || n == 0 {
		l.t.Errorf("%s: %s has %d elements, want %d and some", where, key, len(list), n)
	}
	for i, v := range list {
		if v != strconv.Itoa(i) {
			l.t.Errorf("%s: element %d of %s is %v", where, i, key, v)
			return
		}
	}
}
