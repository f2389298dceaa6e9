package rdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

// An entry is what a key holds: a string, or whichever of the collections is not nil.
type entry struct {
	text     string
	hash     map[string]string
	list     []string
	set      map[string]bool
	sorted   map[string]float64
	deadline int64
}

// equal reports whether both hold the same. What is nil on one side only is of another kind.
func (e entry) equal(f entry) bool {
	return e.text == f.text && e.deadline == f.deadline &&
		(e.hash == nil) == (f.hash == nil) && maps.Equal(e.hash, f.hash) &&
		(e.list == nil) == (f.list == nil) && slices.Equal(e.list, f.list) &&
		(e.set == nil) == (f.set == nil) && maps.Equal(e.set, f.set) &&
		(e.sorted == nil) == (f.sorted == nil) && maps.Equal(e.sorted, f.sorted)
}

// A dataset is what a file holds.
type dataset struct {
	dbs       map[int]map[string]entry
	functions []string
}

func (s dataset) put(db int, key string, e entry) {
	if s.dbs[db] == nil {
		s.dbs[db] = map[string]entry{}
	}
	s.dbs[db][key] = e
}

// sample returns data with every form that the encoder has, and the edges of each.
func sample() dataset {
	s := dataset{dbs: map[int]map[string]entry{}}
	random := rand.New(rand.NewPCG(3, 4))
	noise := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return string(b)
	}
	for _, n := range []int{0, 1, 20, 21, 63, 64, 100, 16383, 16384, 65535, 65536, 65537, 300_000} {
		s.put(0, fmt.Sprint("noise ", n), entry{text: noise(n)})
		s.put(0, fmt.Sprint("run ", n), entry{text: strings.Repeat("r", n)})
		s.put(1, "long key "+noise(n), entry{text: "v"})
	}
	for bits := range 64 {
		for d := int64(-2); d <= 2; d++ {
			number := fmt.Sprint(int64(1)<<bits + d)
			s.put(2, number, entry{text: number})
			s.put(2, "-"+number, entry{text: "-" + number})
			s.put(2, "0"+number, entry{text: "0" + number})
		}
	}
	words := strings.Repeat("the quick brown fox jumps over the lazy dog, and again: ", 3000)
	for n := 10; n < len(words); n *= 3 {
		s.put(0, fmt.Sprint("words ", n), entry{text: words[:n]})
	}
	for _, n := range []int{1, 2, 63, 64, 128, 129, 512, 513, 20_000} {
		h := map[string]string{}
		for i := range n {
			h[fmt.Sprint("field ", i)] = fmt.Sprint(i * i)
		}
		s.put(3, fmt.Sprint("hash ", n), entry{hash: h})
	}
	s.put(3, "wide", entry{hash: map[string]string{"": "", "\x00": noise(70_000), noise(70_000): "1", words[:500]: words[:5000]}})
	for _, n := range []int{1, 2, 128, 129, 512, 513, 20_000} {
		list, set, numbers, sorted := []string{}, map[string]bool{}, map[string]bool{}, map[string]float64{}
		for i := range n {
			list = append(list, fmt.Sprint("element ", i%7), fmt.Sprint(i*i))
			set[fmt.Sprint("member ", i)] = true
			numbers[fmt.Sprint((i-n/2)*(1<<(n%40)))] = true
			sorted[fmt.Sprint("member ", i)] = float64(i%100) / 7
		}
		s.put(4, fmt.Sprint("list ", n), entry{list: list})
		s.put(4, fmt.Sprint("set ", n), entry{set: set})
		s.put(4, fmt.Sprint("numbers ", n), entry{set: numbers})
		s.put(4, fmt.Sprint("sorted set ", n), entry{sorted: sorted})
	}
	s.put(4, "wide list", entry{list: []string{"", noise(70_000), words[:20_000], "\x00", noise(9000), "1"}})
	s.put(4, "wide set", entry{set: map[string]bool{"": true, noise(70_000): true, words[:500]: true}})
	s.put(4, "wide sorted set", entry{sorted: map[string]float64{"": 0, noise(70_000): 1, words[:500]: 2}})
	s.put(4, "scores", entry{sorted: map[string]float64{
		"a": math.Inf(1), "b": math.Inf(-1), "c": math.MaxFloat64, "d": math.SmallestNonzeroFloat64, "e": -1.5, "f": 1 << 53, "g": 0.1, "h": 1e17}})
	s.put(15, "list that ends", entry{list: []string{"1"}, deadline: 1 << 45})
	s.put(15, "string that ends", entry{text: "v", deadline: 4102444800123})
	s.put(15, "hash that ends", entry{hash: map[string]string{"1": "2"}, deadline: 1 << 45})
	return s
}

// encodeDataset writes a whole file.
func encodeDataset(e *rdb.Encoder, s dataset) error {
	e.Aux("redis-ver", "7.0.0")
	e.Aux("repl-stream-db", "0")
	for _, f := range s.functions {
		e.Function(f)
	}
	for db, keys := range s.dbs {
		expires := uint64(0)
		for _, v := range keys {
			if v.deadline != 0 {
				expires++
			}
		}
		e.SelectDB(db)
		e.ResizeDB(uint64(len(keys)), expires)
		for key, v := range keys {
			encodeEntry(e, key, v)
		}
	}
	return e.End()
}

func encodeEntry(e *rdb.Encoder, key string, v entry) {
	switch {
	case v.hash != nil:
		e.BeginHash(key, len(v.hash), v.deadline)
		for f, v := range v.hash {
			e.Field(f, v)
		}
	case v.list != nil:
		e.BeginList(key, len(v.list), v.deadline)
		for _, v := range v.list {
			e.Element(v)
		}
	case v.set != nil:
		e.BeginSet(key, len(v.set), v.deadline)
		for m := range v.set {
			e.Element(m)
		}
	case v.sorted != nil:
		e.BeginSortedSet(key, len(v.sorted), v.deadline)
		for m, score := range v.sorted {
			e.Member(m, score)
		}
	default:
		e.String(key, v.text, v.deadline)
	}
}

// decodeDataset reads a whole file.
func decodeDataset(d *rdb.Decoder) (dataset, error) {
	s := dataset{dbs: map[int]map[string]entry{}}
	for {
		rec, err := d.Next()
		if err != nil {
			return s, err
		}
		switch rec.Op {
		case rdb.OpEnd:
			return s, nil
		case rdb.OpFunction:
			s.functions = append(s.functions, string(rec.Value))
		case rdb.OpKey:
			e, err := decodeEntry(d, rec)
			if err != nil {
				return s, err
			}
			s.put(rec.DB, string(rec.Key), e)
		}
	}
}

func decodeEntry(d *rdb.Decoder, rec rdb.Record) (entry, error) {
	e := entry{deadline: rec.Deadline}
	if rec.Kind == rdb.String {
		text, err := d.Text()
		e.text = string(text)
		return e, err
	}
	var err error
	e.begin(rec.Kind)
	perr := readParts(d, rec.Kind, func(part, more []byte) { err = errors.Join(err, e.add(rec.Kind, string(part), string(more))) })
	return e, errors.Join(perr, err)
}

// begin makes e an empty collection.
func (e *entry) begin(k rdb.Kind) {
	switch k {
	case rdb.Hash:
		e.hash = map[string]string{}
	case rdb.List:
		e.list = []string{}
	case rdb.Set:
		e.set = map[string]bool{}
	case rdb.SortedSet:
		e.sorted = map[string]float64{}
	}
}

func (e *entry) add(k rdb.Kind, part, more string) (err error) {
	switch k {
	case rdb.Hash:
		e.hash[part] = more
	case rdb.List:
		e.list = append(e.list, part)
	case rdb.Set:
		e.set[part] = true
	case rdb.SortedSet:
		e.sorted[part], err = strconv.ParseFloat(more, 64)
	}
	return err
}

// compare reports the first few differences.
func compare(t *testing.T, got, want dataset) {
	t.Helper()
	if a, b := fmt.Sprint(got.functions), fmt.Sprint(want.functions); a != b {
		t.Errorf("functions are %s, want %s", a, b)
	}
	if len(got.dbs) != len(want.dbs) {
		t.Errorf("%d databases, want %d", len(got.dbs), len(want.dbs))
	}
	for db, keys := range want.dbs {
		if len(got.dbs[db]) != len(keys) {
			t.Errorf("database %d has %d keys, want %d", db, len(got.dbs[db]), len(keys))
		}
		for key, w := range keys {
			g, ok := got.dbs[db][key]
			if !ok || !g.equal(w) {
				t.Errorf("database %d, key %.50q: %.100v, want %.100v", db, key, g, w)
			}
		}
		if t.Failed() {
			return
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, o := range []*rdb.EncoderOptions{nil, {Compress: true}, {Version: 12, NoChecksum: true}} {
		want := sample()
		var b bytes.Buffer
		if err := encodeDataset(rdb.NewEncoder(&b, o), want); err != nil {
			t.Fatal(err)
		}
		got, err := decodeDataset(rdb.NewDecoder(&b, nil))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, got, want)
	}
}

// Real servers load what the Encoder writes, and hold exactly that. They check the file's checksum, and end at once on
// anything they do not understand. What they save in turn is read back.
func TestServersLoad(t *testing.T) {
	library := "#!lua name=lib\nredis.register_function('one', function() return 1 end)"
	tests := []struct {
		program   string
		options   rdb.EncoderOptions
		functions []string
	}{
		{"redis7-server", rdb.EncoderOptions{}, nil},
		{"redis7-server", rdb.EncoderOptions{Compress: true}, nil},
		{"redis7-server", rdb.EncoderOptions{Version: 10, Compress: true}, []string{library}},
		{"redis7-server", rdb.EncoderOptions{NoChecksum: true}, nil},
		{"redis8-server", rdb.EncoderOptions{}, nil},
		{"redis8-server", rdb.EncoderOptions{Compress: true}, nil},
		{"redis8-server", rdb.EncoderOptions{Version: 12, Compress: true}, []string{library}},
	}
	for _, tt := range tests {
		name := fmt.Sprintf("%s/version=%d,compress=%v", tt.program, tt.options.Version, tt.options.Compress)
		t.Run(name, func(t *testing.T) {
			program := peer(t, tt.program)
			want := sample()
			want.functions = tt.functions
			dir := shortDir(t)
			path := filepath.Join(dir, "dump.rdb")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := encodeDataset(rdb.NewEncoder(file, &tt.options), want); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			s := startServer(t, program, dir)
			compareServer(t, s, want)

			s.do("SAVE")
			got, err := decodeDataset(rdb.NewDecoder(bytes.NewReader(readFile(t, path)), nil))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
		})
	}
}

// compareServer asks a server for all that it holds.
func compareServer(t *testing.T, s *server, want dataset) {
	t.Helper()
	got := dataset{dbs: map[int]map[string]entry{}}
	for db := range 16 {
		s.do("SELECT", fmt.Sprint(db))
		for _, key := range s.do("KEYS", "*").([]any) {
			got.put(db, key.(string), s.entry(key.(string)))
		}
	}
	if list, _ := s.do("FUNCTION", "LIST", "WITHCODE").([]any); len(list) > 0 {
		properties := list[0].([]any)
		got.functions = []string{properties[len(properties)-1].(string)}
	}
	compare(t, got, want)
}

func (s *server) entry(key string) entry {
	e := entry{}
	if at := s.do("PEXPIRETIME", key).(int64); at >= 0 {
		e.deadline = at
	}
	kind := map[any]rdb.Kind{"hash": rdb.Hash, "list": rdb.List, "set": rdb.Set, "zset": rdb.SortedSet}[s.do("TYPE", key)]
	e.begin(kind)
	switch kind {
	case rdb.Hash:
		s.pairs(&e, kind, s.do("HGETALL", key))
	case rdb.SortedSet:
		s.pairs(&e, kind, s.do("ZRANGE", key, "0", "-1", "WITHSCORES"))
	case rdb.List:
		for _, v := range s.do("LRANGE", key, "0", "-1").([]any) {
			e.list = append(e.list, v.(string))
		}
	case rdb.Set:
		for _, v := range s.do("SMEMBERS", key).([]any) {
			e.set[v.(string)] = true
		}
	default:
		e.text = s.do("GET", key).(string)
	}
	return e
}

func (s *server) pairs(e *entry, k rdb.Kind, reply any) {
	list := reply.([]any)
	for i := 0; i < len(list); i += 2 {
		if err := e.add(k, list[i].(string), list[i+1].(string)); err != nil {
			s.t.Error(err)
		}
	}
}
