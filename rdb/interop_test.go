package rdb_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/rdb"
)

// An entry is what a key holds: a string, or if hash is set a hash.
type entry struct {
	text     string
	hash     map[string]string
	deadline int64
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
			if v.hash == nil {
				e.String(key, v.text, v.deadline)
				continue
			}
			e.BeginHash(key, len(v.hash), v.deadline)
			for f, v := range v.hash {
				e.Field(f, v)
			}
		}
	}
	return e.End()
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
	e.hash = map[string]string{}
	for {
		f, v, ok, err := d.Field()
		if !ok {
			return e, err
		}
		e.hash[string(f)] = string(v)
	}
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
			if !ok || g.text != w.text || g.deadline != w.deadline || (g.hash == nil) != (w.hash == nil) || !maps.Equal(g.hash, w.hash) {
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
	if s.do("TYPE", key) == "string" {
		e.text = s.do("GET", key).(string)
		return e
	}
	e.hash = map[string]string{}
	pairs := s.do("HGETALL", key).([]any)
	for i := 0; i < len(pairs); i += 2 {
		e.hash[pairs[i].(string)] = pairs[i+1].(string)
	}
	return e
}
