package replication

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// This file compares key by key with a primary that may be any server. One key:
//
//	WATCH key; INFO replication   the primary's offset is that of the key as it is now, or a later one
//	wait until we have so much    if nobody writes to the key, it is from here on at both what it was at that offset
//	read it there and here        in pieces
//	MULTI; EXEC                   refused if somebody wrote to it since WATCH; then what was read says nothing
//
// So a difference that is believed cannot come from a write under way, nor from one that was undone.

// Bounds of a comparison by reads.
const (
	readElements = 1000    // of a collection at a time
	readBytes    = 1 << 20 // of a string at a time
	readTries    = 8       // for a key that is being written
	readDoubts   = 2       // times that a key must differ before it is believed

	// Deadlines so near are not judged: two clocks need not agree on whether they have passed.
	expirySlack = 5 * time.Second
)

// verdict is what one comparison of a key says.
type verdict uint8

const (
	equal verdict = iota
	differing
	disturbed // nothing: it was written, or is about to expire
	leftOut   // not to be compared
)

// spotCheck is one call of Verify with Reads.
type spotCheck struct {
	a      *asker
	n      *node
	o      *VerifyOptions
	db     int  // selected on the connection; -1 = none yet
	oldTTL bool // the primary, older than 7.0, does not tell deadlines exactly
	noDues bool // nor does it know of deadlines of fields

	passing bool // what was compared is about to change, or has done so, and WATCH does not tell

	out   Verification
	found []KeyDifference
}

func (a *asker) verifyReads(o *VerifyOptions) (Verification, error) {
	s := &spotCheck{a: a, n: a.l.n, o: o, db: -1}
	keys, err := s.choose()
	if err != nil {
		return Verification{}, err
	}
	for _, k := range keys {
		if err := s.settle(k); err != nil {
			return Verification{}, err
		}
	}
	if len(s.found) > 0 {
		return Verification{}, &DivergenceError{ID: s.out.ID, Offset: s.out.Offset, Keys: s.found}
	}
	return s.out, nil
}

// keyName is a key of a database.
type keyName struct {
	db  int
	key string
}

// choose draws keys at random, in turn from the primary's and from ours: each side has those that the other lacks. Databases are drawn by their size.
func (s *spotCheck) choose() ([]keyName, error) {
	theirs, err := s.sizes()
	if err != nil {
		return nil, err
	}
	ours, err := s.ownSizes()
	if err != nil {
		return nil, err
	}
	chosen := map[keyName]bool{}
	for i := range 2 * s.o.Reads {
		if len(chosen) == s.o.Reads {
			break
		}
		sizes, draw := theirs, s.ask
		if i%2 == 1 {
			sizes, draw = ours, s.own
		}
		db, ok := drawDB(sizes)
		if !ok {
			continue
		}
		v, err := draw(db, "RANDOMKEY")
		if err != nil {
			return nil, err
		}
		if !v.IsNull() {
			chosen[keyName{db, v.Text()}] = true
		}
	}
	list := make([]keyName, 0, len(chosen))
	for k := range chosen {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b keyName) int { return a.db - b.db }) // few SELECTs
	return list, nil
}

func drawDB(sizes map[int]int64) (db int, ok bool) {
	total := int64(0)
	for _, n := range sizes {
		total += n
	}
	if total <= 0 {
		return 0, false
	}
	at := rand.Int64N(total)
	for db, n := range sizes {
		if at -= n; at < 0 {
			return db, true
		}
	}
	return 0, false
}

// sizes asks the primary for the number of keys of each database.
func (s *spotCheck) sizes() (map[int]int64, error) {
	v, err := s.a.do("INFO", "keyspace")
	if err != nil {
		return nil, err
	}
	sizes := map[int]int64{}
	for line := range strings.Lines(v.Text()) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), ":keys=")
		count, _, _ := strings.Cut(rest, ",")
		db, err := strconv.Atoi(strings.TrimPrefix(name, "db"))
		n, bad := strconv.ParseInt(count, 10, 64)
		if ok && err == nil && bad == nil && n > 0 {
			sizes[db] = n
		}
	}
	return sizes, nil
}

func (s *spotCheck) ownSizes() (map[int]int64, error) {
	sizes := map[int]int64{}
	for db := 0; ; db++ {
		v, err := s.own(db, "DBSIZE")
		switch {
		case errors.Is(err, store.ErrNoDatabase):
			return sizes, nil
		case err != nil:
			return nil, err
		}
		sizes[db] = v.Int
	}
}

// ask runs a command on the primary, in a database. A key of another type by now gives a null, unlike any answer: WATCH tells.
func (s *spotCheck) ask(db int, args ...string) (resp.Value, error) {
	if db != s.db {
		if _, err := s.a.do("SELECT", strconv.Itoa(db)); err != nil {
			return resp.Value{}, err
		}
		s.db = db
	}
	v, err := s.a.do(args...)
	if refused, ok := errorAs[*RefusedError](err); ok && isGone(refused.Reply) {
		return resp.Value{}, nil
	}
	return v, err
}

// own runs the same here, likewise.
func (s *spotCheck) own(db int, args ...string) (resp.Value, error) {
	v, err := s.n.store.DB(db).Do(args...)
	if err != nil && isGone(err.Error()) {
		return resp.Value{}, nil
	}
	return v, err
}

// isGone tells whether an error reply means that what is asked about is not there any more, or is of another type.
func isGone(text string) bool {
	return strings.HasPrefix(text, "WRONGTYPE") || strings.HasPrefix(text, "NOGROUP") || strings.HasPrefix(text, "ERR no such key")
}

// settle compares one key until something can be said of it.
func (s *spotCheck) settle(k keyName) error {
	doubts := 0
	for range readTries {
		v, what, err := s.compare(k)
		if err != nil {
			return err
		}
		switch v {
		case equal, leftOut:
			if v == equal {
				s.out.Keys++
			}
			return nil
		case differing:
			if doubts++; doubts == readDoubts {
				s.found = append(s.found, KeyDifference{k.db, k.key, what})
				return nil
			}
		}
	}
	s.out.Unsettled++
	return nil
}

// compare is one round of what is drawn above.
func (s *spotCheck) compare(k keyName) (verdict, Difference, error) {
	if _, err := s.ask(k.db, "WATCH", k.key); err != nil {
		return 0, 0, err
	}
	if err := s.catchUp(); err != nil {
		return 0, 0, err
	}
	v, what, err := s.compareValue(k)
	if err != nil {
		return 0, 0, err
	}
	undisturbed, err := s.unwatch()
	if err == nil && v == differing {
		err = s.sameHistory()
	}
	if !undisturbed && v != leftOut {
		v = disturbed
	}
	return v, what, err
}

// catchUp waits until we have what the primary has now.
func (s *spotCheck) catchUp() error {
	id, offset, err := s.a.offset()
	if err != nil {
		return err
	}
	s.out.ID, s.out.Offset = string(id), offset
	ctx, cancel := context.WithTimeout(s.a.ctx, s.n.cfg.Load().timeout)
	defer cancel()
	err = s.n.waitOffset(ctx, id, offset)
	switch {
	case s.a.ctx.Err() != nil:
		return context.Cause(s.a.ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrNoCut, err)
	}
	return err
}

// unwatch ends WATCH and reports whether nobody wrote to the key meanwhile.
func (s *spotCheck) unwatch() (bool, error) {
	s.a.queue("MULTI")
	s.a.queue("EXEC")
	if err := s.a.send(); err != nil {
		return false, err
	}
	if _, err := s.a.receive(); err != nil {
		return false, err
	}
	v, err := s.a.receive()
	return !v.IsNull(), err
}

// sameHistory is nil if our data is still of the history in which the primary was asked.
func (s *spotCheck) sameHistory() error {
	h := s.n.repl.History()
	switch {
	case h.Taint != "":
		return taintedError(h.Taint)
	case string(h.ID) != s.out.ID:
		return fmt.Errorf("%w: %w", ErrNoCut, errPassed)
	}
	return nil
}

// both asks both sides the same.
func (s *spotCheck) both(k keyName, args ...string) (ours, theirs resp.Value, err error) {
	if theirs, err = s.ask(k.db, args...); err == nil {
		ours, err = s.own(k.db, args...)
	}
	return ours, theirs, err
}

func (s *spotCheck) compareValue(k keyName) (verdict, Difference, error) {
	ours, theirs, err := s.both(k, "TYPE", k.key)
	if err != nil {
		return 0, 0, err
	}
	what, kind := Differs, theirs.Text()
	switch none := "none"; {
	case ours.Text() == none && kind != none:
		what = Missing
	case ours.Text() != none && kind == none:
		what = Surplus
	}
	v, err := s.compareDeadlines(k)
	switch {
	case err != nil || v == disturbed || v == leftOut:
		return v, what, err
	case ours.Text() != kind:
		return differing, what, nil
	case v == differing || kind == "none":
		return v, what, nil
	}
	s.passing = false
	same, err := s.compareKind(k, kind)
	switch {
	case s.passing:
		v = disturbed
	case !same:
		v = differing
	}
	return v, what, err
}

// compareDeadlines compares the milliseconds, or, where the primary cannot tell these, whether there is a deadline.
func (s *spotCheck) compareDeadlines(k keyName) (verdict, error) {
	question := "PEXPIRETIME"
	if s.oldTTL {
		question = "PTTL"
	}
	ours, theirs, err := s.both(k, question, k.key)
	if refused, ok := errorAs[*RefusedError](err); ok && !s.oldTTL && isUnknownCommand(refused.Reply) {
		s.oldTTL = true
		return s.compareDeadlines(k)
	}
	if err != nil {
		return 0, err
	}
	now := time.Now()
	if s.oldTTL {
		now = time.UnixMilli(0)
	}
	same := ours.Int == theirs.Int || s.oldTTL && ours.Int >= 0 && theirs.Int >= 0
	switch {
	case s.o.PersistentOnly && max(ours.Int, theirs.Int) >= 0:
		return leftOut, nil
	case isNear(ours.Int, now), isNear(theirs.Int, now):
		return disturbed, nil
	case !same:
		return differing, nil
	}
	return equal, nil
}

// isNear reports whether a deadline is so near to now that one clock may have passed it and another not.
func isNear(deadline int64, now time.Time) bool {
	return deadline >= 0 && time.UnixMilli(deadline).Sub(now).Abs() < expirySlack
}

// compareKind compares values of one type.
func (s *spotCheck) compareKind(k keyName, kind string) (bool, error) {
	switch kind {
	case "string":
		return s.compareRange(k, "STRLEN", readBytes, "GETRANGE")
	case "list":
		return s.compareRange(k, "LLEN", readElements, "LRANGE")
	case "zset":
		return s.compareRange(k, "ZCARD", readElements, "ZRANGE", "WITHSCORES")
	case "set":
		return s.compareScan(k, "SCARD", "SSCAN", s.hasMembers)
	case "hash":
		return s.compareHash(k)
	case "stream":
		return s.compareStream(k)
	}
	return false, &ProtocolError{During: "reply to TYPE", Got: clip([]byte(kind))}
}

// compareRange compares what has an order: size, and then piece by piece.
func (s *spotCheck) compareRange(k keyName, size string, step int64, read string, more ...string) (bool, error) {
	ours, theirs, err := s.both(k, size, k.key)
	if err != nil || ours.Int != theirs.Int {
		return false, err
	}
	for at := int64(0); at < theirs.Int; at += step {
		args := append([]string{read, k.key, strconv.FormatInt(at, 10), strconv.FormatInt(at+step-1, 10)}, more...)
		a, b, err := s.both(k, args...)
		if err != nil || !sameElements(a, b, len(more) > 0) {
			return false, err
		}
	}
	return true, nil
}

// sameElements compares two replies as RESP2 has them. Scores are compared as numbers: 8.0 writes fewer digits than 7.0.
func sameElements(a, b resp.Value, scores bool) bool {
	if !scores {
		return bytes.Equal(resp.AppendValue(nil, a, 2), resp.AppendValue(nil, b, 2))
	}
	x, y := flat(a), flat(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] && (i%2 == 0 || !sameScore(x[i], y[i])) {
			return false
		}
	}
	return true
}

func sameScore(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, bad := strconv.ParseFloat(b, 64)
	return err == nil && bad == nil && x == y
}

// flat returns the elements of a reply as texts, pairs of a RESP3 form included.
func flat(v resp.Value) []string {
	var list []string
	for _, e := range v.Elems {
		switch {
		case len(e.Elems) > 0:
			list = append(list, flat(e)...)
		case e.Kind == resp.Double && e.Str == "":
			list = append(list, strconv.FormatFloat(e.Float, 'g', -1, 64))
		default:
			list = append(list, e.Text())
		}
	}
	return list
}

// compareScan compares what has no order: if both sides have as many elements, and all that the primary has are here, there are no others here. SCAN may tell one twice,
// and passes over none while nobody writes.
func (s *spotCheck) compareScan(k keyName, size, scan string, has func(k keyName, piece []string) (bool, error)) (bool, error) {
	ours, theirs, err := s.both(k, size, k.key)
	if err != nil || ours.Int != theirs.Int {
		return false, err
	}
	for cursor := "0"; ; {
		v, err := s.ask(k.db, scan, k.key, cursor, "COUNT", strconv.Itoa(readElements))
		if err != nil {
			return false, err
		}
		if len(v.Elems) != 2 {
			return false, &ProtocolError{During: "reply to " + scan, Got: clip([]byte(v.String()))}
		}
		if piece := flat(v.Elems[1]); len(piece) > 0 {
			if ok, err := has(k, piece); !ok {
				return false, err
			}
		}
		if cursor = v.Elems[0].Text(); cursor == "0" {
			return true, nil
		}
	}
}

func (s *spotCheck) hasMembers(k keyName, members []string) (bool, error) {
	v, err := s.own(k.db, append([]string{"SMISMEMBER", k.key}, members...)...)
	return len(v.Elems) == len(members) && !slices.ContainsFunc(v.Elems, func(e resp.Value) bool { return e.Int != 1 }), err
}
