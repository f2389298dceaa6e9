package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/understudy-go/understudy/resp"
)

// geoSides are a store and a real server that get the same commands.
type geoSides struct {
	t    *testing.T
	c    *Session
	peer *peer
	r    *rand.Rand
}

// same fails unless both give the same reply, in the same order. The last of a distance's
// four digits may differ by one: the sides differ in the last bit of a few sines.
func (s *geoSides) same(args ...string) {
	s.t.Helper()
	ours, theirs := s.c.Do(argv(args...)), s.peer.do(args...)
	if text := asRead(s.t, ours, 2); text != theirs.String() && !almost(ours, theirs) {
		s.t.Errorf("%.120q:\nstore  %.300s\nserver %.300s", args, text, theirs)
	}
}

func almost(a, b resp.Value) bool {
	if len(a.Elems) != len(b.Elems) || a.IsNull() != b.IsNull() {
		return false
	}
	for i := range a.Elems {
		if !almost(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	if len(a.Elems) > 0 || a.Text() == b.Text() {
		return true
	}
	_, digits, _ := strings.Cut(a.Text(), ".")
	x, err1 := strconv.ParseFloat(a.Text(), 64)
	y, err2 := strconv.ParseFloat(b.Text(), 64)
	return len(digits) == 4 && err1 == nil && err2 == nil && math.Abs(x-y) < 0.00015
}

// coordinate is one up to most in either direction, at times at the very end of a longitude,
// and often near the middle of a few regions. No two places are the same, for they would be
// equally far from everywhere, in an order of chance.
func (s *geoSides) coordinate(most, region float64) string {
	f := (s.r.Float64()*2 - 1) * most
	switch s.r.IntN(20) {
	case 0:
		if most == 180 {
			f = math.Copysign(most, f)
		}
	case 1:
		f = math.Copysign(most-s.r.Float64(), f)
	case 2, 3, 4, 5, 6, 7:
		f = min(max(region+s.r.NormFloat64(), -most), most)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func (s *geoSides) place() (lon, lat string) {
	region := []float64{0, 0, 13, 38, 179.5, -60, -120, 67, 45, 84}[2*s.r.IntN(5):]
	return s.coordinate(180, region[0]), s.coordinate(85.05112878, region[1])
}

// meters are anything from a step to more than the earth.
func (s *geoSides) meters() string {
	return strconv.FormatFloat(math.Exp(s.r.Float64()*18), 'f', 2, 64)
}

// What lies in an area, and in which order it is met, is what a server finds: of small and of
// huge areas, at poles and edges, with a few and with thousands of places.
func TestServerFindsPlaces(t *testing.T) {
	s := &geoSides{t: t, c: newStore(t, nil).NewSession(nil), peer: startPeer(t, "redis7-server", nil), r: rand.New(rand.NewPCG(9, 10))}
	for i := range 3000 {
		lon, lat := s.place()
		s.same("GEOADD", "large", lon, lat, fmt.Sprint("p", i))
		if i%40 == 0 {
			s.same("GEOADD", "small", lon, lat, fmt.Sprint("p", i))
		}
	}
	for i := range fewer(1200, 300) {
		if t.Failed() {
			break
		}
		key := []string{"small", "large"}[s.r.IntN(2)]
		lon, lat := s.place()
		from := []string{"FROMLONLAT", lon, lat}
		if s.r.IntN(3) == 0 {
			from = []string{"FROMMEMBER", fmt.Sprint("p", 40*s.r.IntN(75))}
		}
		by := [][]string{{"BYRADIUS", s.meters(), "m"}, {"BYBOX", s.meters(), s.meters(), "m"}, {"BYRADIUS", s.meters(), "ft"}}[s.r.IntN(3)]
		with := [][]string{nil, {"WITHDIST"}, {"WITHCOORD", "WITHHASH"}, {"ASC", "WITHDIST"}, {"DESC", "COUNT", "10"}, {"COUNT", "5"}, {"COUNT", "5", "ANY"}}[i%7]
		s.same(append(append(append([]string{"GEOSEARCH", key}, from...), by...), with...)...)
		s.same("GEODIST", "large", fmt.Sprint("p", s.r.IntN(3000)), fmt.Sprint("p", s.r.IntN(3000)))
		s.same("GEOPOS", "large", fmt.Sprint("p", i%3000))
		s.same("GEOHASH", "large", fmt.Sprint("p", i%3000))
		s.same(append(append([]string{"GEOSEARCHSTORE", "d", key}, from...), by...)...)
	}
	if got, want := s.c.s.Digest(), s.peer.digest(); got != want {
		t.Errorf("digest %s, of the server %s", got, want)
	}
}

// Any score is a place.
func TestServerKnowsStrangePlaces(t *testing.T) {
	s := &geoSides{t: t, c: newStore(t, nil).NewSession(nil), peer: startPeer(t, "redis7-server", nil), r: rand.New(rand.NewPCG(11, 12))}
	scores := []string{"0", "-1", "1.5", "inf", "-inf", "1e30", "-1e30", "9223372036854775807", "9223372036854775808", "1e19", "-1e19", "18446744073709551615", "4503599627370495", "4503599627370496", "13510798882111488", "1e-300"}
	for range 300 {
		scores = append(scores, strconv.FormatFloat(math.Float64frombits(s.r.Uint64()&^(1<<62)), 'g', 17, 64))
	}
	for _, score := range scores {
		s.same("DEL", "z")
		s.same("ZADD", "z", score, "m")
		s.same("GEOADD", "z", "13.5", "38.5", "n")
		s.same("GEOPOS", "z", "m")
		s.same("GEOHASH", "z", "m")
		s.same("GEODIST", "z", "m", "n")
		s.same("GEOSEARCH", "z", "FROMMEMBER", "m", "BYRADIUS", "10000", "km", "WITHDIST", "WITHHASH")
		s.same("GEOSEARCH", "z", "FROMMEMBER", "n", "BYBOX", "20000", "20000", "km")
	}
}

// A server that follows the store, and one that loads its file, have the same places.
func TestServerTakesPlaces(t *testing.T) {
	s := newStore(t, nil)
	c := s.NewSession(nil)
	before := s.backlog.Offset()
	r := rand.New(rand.NewPCG(13, 14))
	do(t, c, "GEOADD g 10 10 p0")
	for i := range 400 {
		do(t, c, fmt.Sprintf("GEOADD g CH %v %v p%d", r.Float64()*360-180, r.Float64()*170-85, r.IntN(300)))
		do(t, c, fmt.Sprintf("GEOSEARCHSTORE d%d g FROMMEMBER p0 BYRADIUS %d km STOREDIST", i%9, r.IntN(9000)))
		do(t, c, fmt.Sprintf("GEORADIUS g %v %v %d mi STORE e%d", r.Float64()*360-180, r.Float64()*170-85, r.IntN(5000), i%5))
	}
	for _, name := range []string{"redis7-server", "redis8-server"} {
		loaded, told := startPeer(t, name, file(t, s)), startPeer(t, name, nil)
		for _, f := range split(t, streamSince(t, s, before)) {
			args := make([]string, len(f.Args))
			for i, a := range f.Args {
				args[i] = string(a)
			}
			if v := told.do(args...); v.Kind == resp.Error {
				t.Fatalf("%s: %q: %s", name, args, v.Str)
			}
		}
		if a, b, want := loaded.digest(), told.digest(), s.Digest(); a != want || b != want {
			t.Errorf("%s: digests %s of the file, %s of the stream, want %s", name, a, b, want)
		}
	}
}

// Stored distances are data. Where a primary sends the search and not its result, a replica
// computes them anew: nearly all come out the same to the last bit, and none is far off.
func TestServerDistances(t *testing.T) {
	s := &geoSides{t: t, c: newStore(t, nil).NewSession(nil), peer: startPeer(t, "redis7-server", nil), r: rand.New(rand.NewPCG(15, 16))}
	for i := range 1000 {
		lon, lat := s.place()
		s.same("GEOADD", "g", lon, lat, fmt.Sprint("p", i))
	}
	all, other := 0, 0
	for range 20 {
		lon, lat := s.place()
		s.same("GEOSEARCHSTORE", "d", "g", "FROMLONLAT", lon, lat, "BYRADIUS", "5000", "km", "STOREDIST")
		for _, e := range s.peer.do("ZRANGE", "d", "0", "-1").Elems {
			ours, _ := s.c.s.DB(0).ZScore("d", e.Str)
			theirs, err := strconv.ParseFloat(s.peer.do("ZSCORE", "d", e.Str).Text(), 64)
			if err != nil || math.Abs(ours-theirs) > 1e-14*theirs {
				t.Fatalf("from %s %s to %s: %v, of the server %v", lon, lat, e.Str, ours, theirs)
			}
			if all++; ours != theirs {
				other++
			}
		}
	}
	if all < 1000 || other > all/50 {
		t.Errorf("%d of %d distances differ in their last digits", other, all)
	}
}
