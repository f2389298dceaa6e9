package replication

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"go.uber.org/zap"

	"github.com/understudy-go/understudy/rdb"
	"github.com/understudy-go/understudy/store"
	"github.com/understudy-go/understudy/store/backlog"
)

// LoadMode is how the payload of a full resync takes the place of the data that a replica has. Whatever the mode, nobody ever reads, promotes or saves a part of
// a payload: it appears complete or not at all. The modes differ in what memory they need, in how long they keep the primary busy, and in what a broken
// connection costs.
//
//	mode           memory at the peak     read meanwhile    broken connection     directive repl-diskless-load
//	LoadAside      both data sets         old data          old data stays        swapdb
//	LoadInPlace    the new one            nothing           empty until the next  flushdb (Redis 8.6), flush-before-load (Valkey 8.1)
//	LoadWhenEmpty  as one of the others   old data          old data stays        on-empty-db
//	LoadSpooled    both data sets, file   old data          old data stays        disabled, the default of a Server
//
// Values that are the same in both data sets are held once, so that a resync of data that hardly changed costs little even aside.
type LoadMode uint8

const (
	// LoadAside decodes the payload as it arrives, beside the old data, and swaps the two when the new is complete. The primary's snapshot is held for as long
	// as decoding takes.
	LoadAside LoadMode = iota

	// LoadInPlace drops the old data when the payload begins, for those who cannot hold two data sets. Until the payload is complete the store is empty: calls
	// in this process find no key, clients over the network are told LOADING, Status.Vacant says so, and Save is refused. If the connection breaks it stays
	// empty until a later resync succeeds; a node that is promoted meanwhile is an empty primary under a history of its own, which nobody continues.
	// A Guard compares with what is there, which is nothing by then: it holds no resync in place, and nothing can be restored after one.
	// A payload that does not even begin like a file of a version that can be read costs nothing: then the old data stays.
	LoadInPlace

	// LoadWhenEmpty decodes from the connection while there is no key, as LoadAside does, and is LoadSpooled otherwise: for those who trust disks more than
	// networks, but see no sense in a file when there is nothing to lose.
	LoadWhenEmpty

	// LoadSpooled writes the payload to a temporary file first, and decodes that when it is complete, beside the old data. The primary can let go of its
	// snapshot as early as the network allows. The file is in ReplicaOptions.SpoolDir, has no name where the system allows that, and is gone afterwards in any
	// case; a small payload stays in memory. A full disk is a *SpoolError, after which the link is tried again.
	LoadSpooled
)

var loadModeNames = [...]string{"aside", "in place", "when empty", "spooled"}

func (m LoadMode) String() string {
	if int(m) < len(loadModeNames) {
		return loadModeNames[m]
	}
	return fmt.Sprintf("LoadMode(%d)", uint8(m))
}

func (m LoadMode) validate() error {
	if int(m) >= len(loadModeNames) {
		return fmt.Errorf("replication: option LoadMode: %v", m)
	}
	return nil
}

// loadWords are the modes in the language of redis.conf, in the order of the constants.
var loadWords = [...]string{"swapdb", "flushdb", "on-empty-db", "disabled"}

func (m LoadMode) directive() string { return loadWords[m] }

// loadModeOf translates the directive. Valkey has a word of its own for what Redis calls flushdb.
func loadModeOf(word string) LoadMode {
	if word == "flush-before-load" {
		return LoadInPlace
	}
	return LoadMode(max(slices.Index(loadWords[:], word), 0))
}

// spools tells whether a file comes first. empty: there is no key.
func (m LoadMode) spools(empty bool) bool { return m == LoadSpooled || m == LoadWhenEmpty && !empty }

// SpoolError means that a temporary file could not be made, written or read: the disk is full, say. The data is as it was before, and the link is tried again.
// Err is that of package os.
type SpoolError struct {
	Size int64 // bytes that were in the file
	Err  error
}

func (e *SpoolError) Error() string {
	return fmt.Sprintf("replication: temporary file of a payload, after %d bytes: %v", e.Size, e.Err)
}

func (e *SpoolError) Unwrap() error { return e.Err }

// load makes the payload the data, by the mode that is set at this moment.
func (s *session) load(p *payload, r psyncReply) error {
	mode := s.n.cfg.Load().loadMode
	if mode.spools(s.n.keys() == 0) {
		return s.loadSpooled(p, r)
	}
	s.l.at("reading the payload")
	s.l.load.begin(p.head.size)
	defer s.l.load.end()
	src := io.Reader(p)
	if mode == LoadInPlace {
		begin, err := s.vacate(p)
		if err != nil {
			return &PayloadError{Offset: p.read, Err: err}
		}
		src = io.MultiReader(bytes.NewReader(begin), p)
	}
	ld, err := s.decode(src)
	if err == nil {
		err = p.drain()
	}
	if err != nil {
		return &PayloadError{Offset: p.read, Err: err}
	}
	return s.commit(ld, r)
}

// loadSpooled first takes all of the payload to a file. What goes wrong then is the file's fault or the payload's, no more the connection's.
func (s *session) loadSpooled(p *payload, r psyncReply) error {
	s.l.at("writing the payload to a file")
	sp := newSpool(s.n.cfg.Load().spool)
	defer sp.close()
	if err := s.fill(sp, p); err != nil {
		return err
	}
	s.l.at("loading the payload from its file")
	s.l.load.begin(sp.size)
	defer s.l.load.end()
	file := sp.reader()
	ld, err := s.decode(&stoppable{r: file, l: s.l})
	if err != nil {
		return spoolOrPayload(err, s.l.load.bytes.Load())
	}
	return s.commit(ld, r)
}

// fill writes all of p to sp. The voice keeps the primary content meanwhile, and while the file is being loaded.
func (s *session) fill(sp *spool, p *payload) error {
	s.l.spool.begin(p.head.size)
	defer s.l.spool.end()
	_, err := io.CopyBuffer(struct{ io.Writer }{sp}, &pulsing{s.l.spool.reader(p), s.l}, make([]byte, chunk))
	if err != nil {
		return spoolOrPayload(err, p.read)
	}
	return nil
}

// spoolOrPayload tells a file that fails from a payload that is no good.
func spoolOrPayload(err error, offset int64) error {
	if spool, ok := errorAs[*SpoolError](err); ok {
		return spool
	}
	return &PayloadError{Offset: offset, Err: err}
}

// decode reads one file to its end.
func (s *session) decode(r io.Reader) (*store.Loader, error) {
	ld := s.n.repl.NewLoader()
	if err := ld.LoadRDB(&pulsing{&loadReader{r, ld, &s.l.load}, s.l}); err != nil {
		ld.Abort()
		return nil, err
	}
	s.l.load.keys.Store(ld.Keys())
	return ld, nil
}

// loadReader counts what a loader takes and has made of it.
type loadReader struct {
	r  io.Reader
	ld *store.Loader
	t  *transfer
}

func (l *loadReader) Read(b []byte) (int, error) {
	l.t.keys.Store(l.ld.Keys()) // before a wait that may be long: all that came so far is decoded
	n, err := l.r.Read(b)
	l.t.bytes.Add(int64(n))
	return n, err
}

// stoppable is a file that ends when the link is stopped: closing the connection, which interrupts everything else, says nothing to who reads from a disk.
type stoppable struct {
	r io.Reader
	l *link
}

func (s *stoppable) Read(b []byte) (int, error) {
	if s.l.ctx.Err() != nil {
		return 0, ErrClosed
	}
	return s.r.Read(b)
}

func (s *session) commit(ld *store.Loader, r psyncReply) error {
	h := backlog.History{ID: r.id, Offset: r.offset, SecondaryLimit: -1, StreamDB: selectedDB(ld)}
	if err := s.l.guard(ld, h); err != nil {
		ld.Abort()
		return err
	}
	if err := s.n.changeHistory(func() error { return ld.Commit(h) }); err != nil {
		return err
	}
	s.n.retain(ld.Former())
	return nil
}

// selectedDB returns the database that the stream has selected at the cut. A primary selects again right after it, so that nobody needs to know; a replica that
// serves a full resync of its own in the middle of its primary's stream cannot, and tells it in the file.
func selectedDB(ld *store.Loader) int {
	n, err := strconv.Atoi(ld.Aux("repl-stream-db"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// fileHead is the number of bytes of a file that name its version.
const fileHead = 9

// vacate drops the old data once the payload has begun like a file that can be read, and returns that beginning.
func (s *session) vacate(p *payload) (begin []byte, err error) {
	begin = make([]byte, fileHead)
	if _, err := io.ReadFull(p, begin); err != nil {
		return nil, noEOF(err)
	}
	if err := checkVersion(begin); err != nil {
		return nil, err
	}
	if err := s.n.changeHistory(s.n.repl.Vacate); err != nil {
		return nil, err
	}
	s.n.dropFormer() // it would be a second data set
	s.l.log.Info("data dropped to make room", zap.String("mode", LoadInPlace.String()))
	return begin, nil
}

// checkVersion asks the decoder about the beginning of a file: what it misses after that is the rest.
func checkVersion(begin []byte) error {
	if _, err := rdb.NewDecoder(bytes.NewReader(begin), nil).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return nil
}
