package replication

import (
	"bytes"
	"strconv"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// This file compares by reads what WATCH tells only a part of: hashes whose fields expire, and streams with groups of consumers.

// compareHash compares fields with their values and, where the primary knows of such, their deadlines. While a field is about to expire, or has done so and is still
// counted, nothing can be said.
func (s *spotCheck) compareHash(k keyName) (bool, error) {
	same, err := s.compareScan(k, "HLEN", "HSCAN", s.hasFields)
	if same || err != nil {
		return same, err
	}
	for _, ask := range []func(int, ...string) (resp.Value, error){s.ask, s.own} {
		if s.passing, err = s.fieldsPass(k, ask); s.passing || err != nil {
			break
		}
	}
	return false, err
}

// fieldsPass tells whether one side's number of fields, or its fields, may be others without a write.
func (s *spotCheck) fieldsPass(k keyName, ask func(db int, args ...string) (resp.Value, error)) (bool, error) {
	n, err := ask(k.db, "HLEN", k.key)
	if err != nil {
		return false, err
	}
	fields, err := ask(k.db, "HKEYS", k.key)
	if err != nil || int64(len(fields.Elems)) != n.Int {
		return true, err // one has passed its deadline
	}
	now := time.Now()
	for at := 0; at < len(fields.Elems); at += readElements {
		piece := fields.Elems[at:min(at+readElements, len(fields.Elems))]
		dues, err := s.dues(k, ask, texts(piece))
		if err != nil {
			return false, err
		}
		for _, d := range dues.Elems {
			if isNear(d.Int, now) {
				return true, nil
			}
		}
	}
	return false, nil
}

// dues asks one side for the deadlines of fields. It is nothing if the primary does not know of such.
func (s *spotCheck) dues(k keyName, ask func(db int, args ...string) (resp.Value, error), fields []string) (resp.Value, error) {
	if s.noDues {
		return resp.Value{}, nil
	}
	v, err := ask(k.db, append([]string{"HPEXPIRETIME", k.key, "FIELDS", strconv.Itoa(len(fields))}, fields...)...)
	if refused, ok := errorAs[*RefusedError](err); ok && isUnknownCommand(refused.Reply) {
		s.noDues = true
		return resp.Value{}, nil
	}
	return v, err
}

func texts(list []resp.Value) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Text()
	}
	return out
}

// hasFields tells whether fields are here with the same values and deadlines. pairs are the primary's.
func (s *spotCheck) hasFields(k keyName, pairs []string) (bool, error) {
	var fields []string
	for i := 0; i+1 < len(pairs); i += 2 {
		fields = append(fields, pairs[i])
	}
	v, err := s.own(k.db, append([]string{"HMGET", k.key}, fields...)...)
	if err != nil || 2*len(v.Elems) != len(pairs) {
		return false, err
	}
	for i, e := range v.Elems {
		if e.IsNull() || e.Text() != pairs[2*i+1] {
			return false, nil
		}
	}
	theirs, err := s.dues(k, s.ask, fields)
	if err != nil || s.noDues {
		return err == nil, err
	}
	ours, err := s.dues(k, s.own, fields)
	return sameReply(ours, theirs), err
}

// compareStream compares the last ID that was given, which may be that of no entry, the entries, piece by piece, and the groups.
func (s *spotCheck) compareStream(k keyName) (bool, error) {
	ours, theirs, err := s.both(k, "XINFO", "STREAM", k.key)
	if err != nil || fieldOf(ours, "last-generated-id").Text() != fieldOf(theirs, "last-generated-id").Text() {
		return false, err
	}
	same, err := s.comparePieces(k, []string{"XRANGE", k.key}, []string{"+", "COUNT", strconv.Itoa(readElements)}, s.both, func(ours, theirs resp.Value) bool {
		return sameElements(ours, theirs, false)
	})
	if !same || err != nil {
		return false, err
	}
	return s.compareGroups(k)
}

// compareGroups compares how far groups are, and what is pending for whom.
func (s *spotCheck) compareGroups(k keyName) (bool, error) {
	ours, theirs, err := s.calmly(k, "XINFO", "GROUPS", k.key)
	if err != nil || s.passing || len(ours.Elems) != len(theirs.Elems) {
		return false, err
	}
	for i, g := range theirs.Elems {
		for _, name := range []string{"name", "last-delivered-id", "pending"} {
			if !sameReply(fieldOf(ours.Elems[i], name), fieldOf(g, name)) {
				return false, nil
			}
		}
		same, err := s.comparePieces(k, []string{"XPENDING", k.key, fieldOf(g, "name").Text()}, []string{"+", strconv.Itoa(readElements)}, s.calmly, samePending)
		if !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// samePending compares replies of XPENDING but for when and how often something was delivered: servers deliver anew without telling their replicas.
func samePending(ours, theirs resp.Value) bool {
	if len(ours.Elems) != len(theirs.Elems) {
		return false
	}
	for i, e := range theirs.Elems {
		o := ours.Elems[i]
		if len(e.Elems) < 2 || len(o.Elems) < 2 || !sameReply(o.Elems[0], e.Elems[0]) || !sameReply(o.Elems[1], e.Elems[1]) {
			return false
		}
	}
	return true
}

// comparePieces compares what a command tells of a stream from an ID on, which stands between before and behind, readElements at a time.
func (s *spotCheck) comparePieces(k keyName, before, behind []string, both func(keyName, ...string) (ours, theirs resp.Value, err error), same func(ours, theirs resp.Value) bool) (bool, error) {
	for from := (store.StreamID{}); ; {
		args := append(append(append([]string(nil), before...), from.String()), behind...)
		ours, theirs, err := both(k, args...)
		if err != nil || s.passing || !same(ours, theirs) {
			return false, err
		}
		if len(ours.Elems) < readElements {
			return true, nil
		}
		last, err := store.ParseStreamID(ours.Elems[len(ours.Elems)-1].Elems[0].Text())
		if err != nil || last == store.MaxStreamID {
			return err == nil, err
		}
		if from = (store.StreamID{Ms: last.Ms, Seq: last.Seq + 1}); from.Seq == 0 {
			from.Ms++
		}
	}
}

// calmly asks both sides about what WATCH does not tell the changes of. The primary's answer holds from before we have all that led to it until after we have answered,
// or else it is passing.
func (s *spotCheck) calmly(k keyName, args ...string) (ours, theirs resp.Value, err error) {
	if theirs, err = s.ask(k.db, args...); err != nil {
		return ours, theirs, err
	}
	if err = s.catchUp(); err != nil {
		return ours, theirs, err
	}
	if ours, err = s.own(k.db, args...); err != nil {
		return ours, theirs, err
	}
	again, err := s.ask(k.db, args...)
	s.passing = !sameAnswer(args[0], theirs, again)
	return ours, theirs, err
}

// sameAnswer tells whether the primary has said the same twice. How long ago something was delivered is another each time.
func sameAnswer(command string, a, b resp.Value) bool {
	if command == "XPENDING" {
		return samePending(a, b)
	}
	return sameReply(a, b)
}

// sameReply compares two replies as RESP2 has them.
func sameReply(a, b resp.Value) bool {
	return bytes.Equal(resp.AppendValue(nil, a, 2), resp.AppendValue(nil, b, 2))
}

// fieldOf is what stands behind a name in a reply of names and values.
func fieldOf(v resp.Value, name string) resp.Value {
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if v.Elems[i].Text() == name {
			return v.Elems[i+1]
		}
	}
	return resp.Value{}
}
