package rdb_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

// transcode writes all that is in a file anew.
func transcode(d *rdb.Decoder, e *rdb.Encoder) error {
	for {
		rec, err := d.Next()
		if err != nil {
			return err
		}
		switch rec.Op {
		case rdb.OpAux:
			err = e.Aux(string(rec.Name), string(rec.Value))
		case rdb.OpFunction:
			err = e.Function(string(rec.Value))
		case rdb.OpSelectDB:
			err = e.SelectDB(rec.DB)
		case rdb.OpResizeDB:
			err = e.ResizeDB(rec.Keys, rec.Expires)
		case rdb.OpKey:
			err = transcodeKey(d, e, rec)
		case rdb.OpEnd:
			return e.End()
		}
		if err != nil {
			return err
		}
	}
}

func transcodeKey(d *rdb.Decoder, e *rdb.Encoder, rec rdb.Record) error {
	key := string(rec.Key)
	switch rec.Kind {
	case rdb.String:
		v, err := d.Text()
		if err != nil {
			return err
		}
		return e.String(key, string(v), rec.Deadline)
	case rdb.Module:
		v, err := d.Module()
		if err != nil {
			return err
		}
		return e.Module(key, string(v), rec.Deadline)
	case rdb.Stream:
		return transcodeStream(d, e, key, rec.Deadline)
	case rdb.Hash:
		return transcodeHash(d, e, key, rec.Deadline)
	}
	if rec.Kind == rdb.SortedSet {
		return transcodeMembers(d, e, key, rec.Deadline)
	}
	var elements []string
	if err := readParts(d, rec.Kind, func(part, _ []byte) { elements = append(elements, string(part)) }); err != nil {
		return err
	}
	if rec.Kind == rdb.List {
		e.BeginList(key, len(elements), rec.Deadline)
	} else {
		e.BeginSet(key, len(elements), rec.Deadline)
	}
	for _, v := range elements {
		if err := e.Element(v); err != nil {
			return err
		}
	}
	return nil
}

func transcodeMembers(d *rdb.Decoder, e *rdb.Encoder, key string, deadline int64) error {
	var members []string
	var scores []float64
	for {
		m, score, ok, err := d.Member()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		members, scores = append(members, string(m)), append(scores, score)
	}
	e.BeginSortedSet(key, len(members), deadline)
	for i, m := range members {
		if err := e.Member(m, scores[i]); err != nil {
			return err
		}
	}
	return nil
}

func transcodeHash(d *rdb.Decoder, e *rdb.Encoder, key string, deadline int64) error {
	type pair struct {
		field, value string
		deadline     int64
	}
	var pairs []pair
	earliest := int64(0)
	for {
		f, v, at, ok, err := d.DatedField()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		pairs = append(pairs, pair{string(f), string(v), at})
		if at != 0 && (earliest == 0 || at < earliest) {
			earliest = at
		}
	}
	if earliest != 0 {
		e.BeginDatedHash(key, len(pairs), earliest, deadline)
	} else {
		e.BeginHash(key, len(pairs), deadline)
	}
	for _, p := range pairs {
		if err := e.DatedField(p.field, p.value, p.deadline); err != nil {
			return err
		}
	}
	return nil
}

// transcodeStream writes a stream anew: entries first, then the parts as they come.
func transcodeStream(d *rdb.Decoder, e *rdb.Encoder, key string, deadline int64) error {
	var entries []streamEntry
	var parts []rdb.StreamPart
	groups := 0
	for {
		p, ok, err := d.StreamPart()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if p.Op == rdb.PartEntry {
			pairs, err := readPairs(d)
			if err != nil {
				return err
			}
			entries = append(entries, streamEntry{p.ID, pairs})
			continue
		}
		if p.Op >= rdb.PartReleased {
			return fmt.Errorf("no version that is written has %v", p.Op)
		}
		p.Name = bytes.Clone(p.Name)
		parts = append(parts, p)
		if p.Op == rdb.PartGroup {
			groups++
		}
	}
	for i, p := range parts {
		switch p.Op {
		case rdb.PartState:
			state := rdb.StreamState{Last: p.ID, First: p.First, Deleted: p.Deleted, Added: p.Added, Groups: groups}
			e.BeginStream(key, state, entriesOf(entries), deadline)
		case rdb.PartGroup:
			consumers := 0
			for _, q := range parts[i+1:] {
				if q.Op == rdb.PartGroup {
					break
				}
				if q.Op == rdb.PartConsumer {
					consumers++
				}
			}
			e.StreamGroup(string(p.Name), p.ID, p.Read, int(p.Len), consumers)
		case rdb.PartPending:
			e.StreamPending(p.ID, p.Time, p.Count)
		case rdb.PartConsumer:
			e.StreamConsumer(string(p.Name), p.Time, p.Active, int(p.Len))
		case rdb.PartOwned:
			e.StreamOwned(p.ID)
		}
	}
	return nil
}

func readPairs(d *rdb.Decoder) (pairs []string, err error) {
	for {
		name, value, ok, err := d.Field()
		if !ok || err != nil {
			return pairs, err
		}
		pairs = append(pairs, string(name), string(value))
	}
}

// contents returns a text for each key of a file, in which the order of what has none does not show.
func contents(t testing.TB, file []byte) map[string]string {
	t.Helper()
	return contentsOf(t, rdb.NewDecoder(bytes.NewReader(file), nil))
}

func contentsOf(t testing.TB, d *rdb.Decoder) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for {
		rec, err := d.Next()
		if err == io.EOF {
			return keys
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Op == rdb.OpFunction {
			keys["function "+string(rec.Value)] = "there"
		}
		if rec.Op != rdb.OpKey {
			continue
		}
		name := fmt.Sprintf("%d %v %q %d", rec.DB, rec.Kind, rec.Key, rec.Deadline)
		if keys[name], err = contentOf(d, rec); err != nil {
			t.Fatal(err)
		}
	}
}

func contentOf(d *rdb.Decoder, rec rdb.Record) (string, error) {
	var b strings.Builder
	switch rec.Kind {
	case rdb.String:
		v, err := d.Text()
		return string(v), err
	case rdb.Module:
		v, err := d.Module()
		return string(v), err
	case rdb.Stream:
		err := dumpStream(&b, d)
		return b.String(), err
	}
	var lines []string
	err := readParts(d, rec.Kind, func(part, more []byte) { lines = append(lines, fmt.Sprintf("%q %q", part, more)) })
	if rec.Kind != rdb.List {
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n"), err
}

func compareContents(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	for name := range allKeys(got, want) {
		if got[name] != want[name] {
			t.Errorf("%s: %s is\n%.2000s\nwant\n%.2000s", what, name, got[name], want[name])
		}
	}
}

func allKeys(a, b map[string]string) iter.Seq[string] {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return maps.Keys(all)
}

// What real servers wrote is written anew, and means the same.
func TestTranscodeGolden(t *testing.T) {
	for _, path := range goldenFiles(t) {
		file := readFile(t, path)
		for _, o := range []rdb.EncoderOptions{{Version: 11}, {Version: 12, Compress: true}} {
			if o.Version == 11 && strings.Contains(path, "field-deadlines") {
				continue
			}
			var b bytes.Buffer
			if err := transcode(rdb.NewDecoder(bytes.NewReader(file), nil), rdb.NewEncoder(&b, &o)); err != nil {
				t.Errorf("%s in version %d: %v", path, o.Version, err)
				continue
			}
			compareContents(t, path, contents(t, b.Bytes()), contents(t, file))
		}
	}
}

// Real servers load what is written of the golden files, in every version, and hold what the files say: their own digest
// of the data is that of the original, and what they save in turn is too. Where a version has no room for something, servers
// make of it what the Decoder says.
func TestServersLoadGolden(t *testing.T) {
	for program, versions := range map[string][]int{"redis7-server": {0, 9, 10}, "redis8-server": {0, 9, 10, 11, 12}} {
		for _, path := range goldenFiles(t) {
			newest := strings.Contains(path, "redis-8") // of what Redis 7.0 has no room for
			if program == "redis7-server" && newest && !strings.Contains(path, "streams") || !strings.Contains(path, "streams") && !newest || strings.Contains(path, "slots") {
				continue
			}
			for _, version := range versions {
				if strings.Contains(path, "field-deadlines") && version < 12 || strings.Contains(path, "functions") && version < 10 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", program, strings.TrimPrefix(path, "testdata/"), version), func(t *testing.T) {
					loadGolden(t, program, readFile(t, path), version, newest && program == "redis7-server")
				})
			}
		}
	}
}

func loadGolden(t *testing.T, program string, original []byte, version int, tooNew bool) {
	var b bytes.Buffer
	e := rdb.NewEncoder(&b, &rdb.EncoderOptions{Version: version, Compress: version%2 == 1})
	if err := transcode(rdb.NewDecoder(bytes.NewReader(original), nil), e); err != nil {
		t.Fatal(err)
	}
	digest, saved := loadAndSave(t, program, b.Bytes())
	compareContents(t, "what the server has saved", settled(contents(t, saved)), settled(contents(t, b.Bytes())))
	if tooNew {
		return
	}
	if want, _ := loadAndSave(t, program, original); digest != want {
		t.Errorf("the digest of the server is %s, that of the original %s", digest, want)
	}
}

// settled leaves out what servers change by loading and saving: the order of a module's own elements, and the first ID of a stream
// of type 15 without entries, which is the highest there is then, and nobody's.
func settled(contents map[string]string) map[string]string {
	for name, text := range contents {
		if strings.Contains(name, " module ") {
			p := []byte(text)
			slices.Sort(p)
			contents[name] = string(p)
			continue
		}
		contents[name] = strings.ReplaceAll(text, "state: 0 entries from 18446744073709551615-18446744073709551615", "state: 0 entries from 0-0")
	}
	return contents
}

// loadAndSave returns the digest of a file's data as a server sees it, and what the server saves of it.
func loadAndSave(t *testing.T, program string, file []byte) (digest string, saved []byte) {
	t.Helper()
	dir := shortDir(t)
	path := filepath.Join(dir, "dump.rdb")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, peer(t, program), dir, "--enable-debug-command", "yes")
	digest, _ = s.do("DEBUG", "DIGEST").(string)
	s.do("SAVE")
	return digest, readFile(t, path)
}

// Real servers RESTORE streams of every shape, hold what was encoded, and can go on with them: entries are deleted from the
// nodes that were written here, and added to them.
func TestServersRestoreStreams(t *testing.T) {
	for program, versions := range map[string][]int{"redis7-server": {0, 9, 10}, "redis8-server": {0, 9, 11, 12}} {
		t.Run(program, func(t *testing.T) {
			s := startServer(t, peer(t, program), shortDir(t), "--proto-max-bulk-len", "64mb", "--sanitize-dump-payload", "yes")
			for name, list := range entryLists() {
				for _, version := range versions {
					var b bytes.Buffer
					e := rdb.NewDumpEncoder(&b, &rdb.EncoderOptions{Version: version, Compress: version == 9})
					aStreamOfGroups(e, list)
					if err := e.End(); err != nil {
						t.Fatal(err)
					}
					s.do("RESTORE", "s", "0", b.String(), "REPLACE")
					got, want := payloadContents(t, s.do("DUMP", "s").(string)), payloadContents(t, b.String())
					if program == "redis7-server" {
						want = activeIsSeen(want)
					}
					if got = settled(map[string]string{"": got})[""]; got != want {
						t.Errorf("%s in version %d: the server has\n%.3000s\nwant\n%.3000s", name, version, got, want)
					}
					changeStream(t, s, list)
				}
			}
		})
	}
}

// aStreamOfGroups writes a stream in which every pending entry has an owner, as servers want it.
func aStreamOfGroups(e *rdb.Encoder, list []streamEntry) {
	state := rdb.StreamState{Last: id("18446744073709551615-3"), Deleted: id("0-1"), Added: uint64(len(list)) + 1, Groups: 2}
	if len(list) > 0 {
		state.First = list[0].id
	}
	e.BeginStream("s", state, entriesOf(list), 0)
	e.StreamGroup("empty", id("0-0"), 0, 0, 0)
	e.StreamGroup("g", id("7-7"), -1, 2, 2)
	e.StreamPending(id("1-1"), 1700000000001, 2)
	e.StreamPending(id("1-2"), 1700000000002, 1<<33)
	e.StreamConsumer("x", 1700000000005, 1700000000006, 1)
	e.StreamOwned(id("1-2"))
	e.StreamConsumer("y", 1700000000007, -1, 1)
	e.StreamOwned(id("1-1"))
}

func payloadContents(t *testing.T, payload string) string {
	t.Helper()
	text, err := payloadContent(payload)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// changeStream lets the server delete, add and trim.
func changeStream(t *testing.T, s *server, list []streamEntry) {
	t.Helper()
	want := int64(len(list))
	for i, e := range list {
		if i%40 == 0 {
			s.do("XDEL", "s", e.id.String())
			want--
		}
	}
	for i := range 3 {
		s.do("XADD", "s", fmt.Sprintf("18446744073709551615-%d", i+4), "a", "1", "b", "2")
		want++
	}
	if got := s.do("XLEN", "s"); got != want {
		t.Errorf("after changes the server counts %v entries, want %d", got, want)
	}
	if got := len(s.do("XRANGE", "s", "-", "+").([]any)); int64(got) != want {
		t.Errorf("after changes the server lists %d entries, want %d", got, want)
	}
	s.do("XTRIM", "s", "MAXLEN", "2")
	if got := len(s.do("XRANGE", "s", "-", "+").([]any)); got != 2 {
		t.Errorf("trimmed to 2, the server lists %d entries", got)
	}
}

// The bytes that the tables have by hand, of forms that no server at hand writes any more, are what real servers take them for: they
// RESTORE each, with their checks of payloads on, and DUMP what the table says.
func TestServersReadOldForms(t *testing.T) {
	for program, version := range map[string]int{"redis7-server": 10, "redis8-server": 12} {
		t.Run(program, func(t *testing.T) {
			s := startServer(t, peer(t, program), shortDir(t), "--sanitize-dump-payload", "yes")
			read := map[byte]bool{}
			for _, tt := range oldForms() {
				value := tt.body[:1] + tt.body[3:] // without its key, of one byte
				payload := payloadOf(min(tt.version, version), value)
				want, err := payloadContent(string(payload))
				if tt.version > version || err != nil || len(want) == 0 {
					continue
				}
				if err, refused := s.try("RESTORE", "k", "0", string(payload), "REPLACE").(error); refused {
					t.Errorf("%s: %v", tt.name, err)
					continue
				}
				got, err := payloadContent(s.do("DUMP", "k").(string))
				if got = settled(map[string]string{"": got})[""]; got != want || err != nil {
					t.Errorf("%s: the server has\n%s\nwant\n%s", tt.name, got, want)
				}
				read[value[0]] = true
			}
			if got, want := fmt.Sprint(slices.Sorted(maps.Keys(read))), "[1 2 3 4 5 9 10 11 12 13 14 15 16 17 18 19"; !strings.HasPrefix(got, want) {
				t.Errorf("read are types %s, want %s", got, want)
			}
		})
	}
}

type oldForm struct {
	name    string
	version int
	body    string
}

// oldForms are the rows of the tables that are one key, which servers take: not without elements, and no entry of a stream that is pending
// without being in it.
func oldForms() (forms []oldForm) {
	for _, tt := range bodies {
		if len(tt.body) > 3 && tt.body[0] < 200 && tt.body[1] == 1 && strings.Count(tt.want, "deadline")+strings.Count(tt.name, "then") == 0 && !strings.Contains(tt.name, "without") && !strings.Contains(tt.name, "empty") {
			version := 9
			if tt.body[0] >= 20 {
				version = 12
			}
			forms = append(forms, oldForm{tt.name, version, tt.body})
		}
	}
	for _, tt := range streamBodies {
		forms = append(forms, oldForm{tt.name, tt.version, tt.body})
	}
	return forms
}

func payloadContent(payload string) (string, error) {
	d := rdb.NewDumpDecoder([]byte(payload), nil)
	rec, err := d.Next()
	if err != nil {
		return "", err
	}
	text, err := contentOf(d, rec)
	if err == nil {
		_, err = d.Next()
	}
	return text, err
}
