package geo

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What Redis 7.0 makes of some places: scores, geohashes, and the places read back.
func TestScoresOfServers(t *testing.T) {
	for _, tt := range []struct {
		p     Point
		score uint64
		hash  string
		back  Point
	}{
		{Point{13.361389, 38.115556}, 3479099956230698, "sqc8b49rny0", Point{13.36138933897018433, 38.11555639549629859}},
		{Point{15.087269, 37.502669}, 3479447370796909, "sqdtr74hyu0", Point{15.08726745843887329, 37.50266842333162032}},
		{Point{0, 0}, 3377699720527872, "s0000000000", Point{2.682209014892578e-6, 1.2673605809254695e-6}},
		{Point{-180, -85.05112878}, 0, "00bh0hbj200", Point{-179.99999731779098511, -85.05112751263942528}},
		{Point{180, 85.05112878}, 13510798882111488, "bp05b5048p0", Point{180, 85.0511287799999991}},
	} {
		s := Score(tt.p)
		if got := PointOf(float64(s)); s != tt.score || got != tt.back || Hash(float64(s)) != tt.hash {
			t.Errorf("%v has score %d, hash %s, is %v; want %d, %s, %v", tt.p, s, Hash(float64(s)), got, tt.score, tt.hash, tt.back)
		}
	}
}

// Scores that no place has are some place's all the same, and the same one on every machine.
func TestStrangeScores(t *testing.T) {
	south, north := Point{-179.99999731779098511, -85.05112751263942528}, Point{180, 85.0511287799999991}
	for score, want := range map[float64]Point{
		-1: north, 1e19: north, math.Inf(1): south, 1e30: south, math.Inf(-1): {180, south.Lat}, -1e19: {180, south.Lat},
		4503599627370496: {south.Lon, north.Lat}, 9007199254740993: {180, south.Lat}, 0.999: south,
	} {
		if got := PointOf(score); got != want {
			t.Errorf("score %g is %v, want %v", score, got, want)
		}
	}
	PointOf(math.NaN())
}

// Distances as GEODIST of Redis 7.0 prints them, and those that arithmetic could spoil.
func TestDistances(t *testing.T) {
	palermo, catania := PointOf(3479099956230698), PointOf(3479447370796909)
	for _, tt := range []struct {
		a, b Point
		want float64
	}{
		{palermo, catania, 166274.1516},
		{palermo, palermo, 0},
		{Point{10, 20}, Point{10, 21}, earthRadius * degree},
		{Point{0, 0}, Point{180, 0}, earthRadius * math.Pi},
		{Point{-180, 10}, Point{180, 10}, 0},
	} {
		for name, f := range map[string]func(a, b Point) float64{"Distance": Distance, "ExactDistance": ExactDistance} {
			if got := f(tt.a, tt.b); !(math.Abs(got-tt.want) < 0.0001) || f(tt.b, tt.a) != got {
				t.Errorf("%s(%v, %v) = %v, back %v, want %v", name, tt.a, tt.b, got, f(tt.b, tt.a), tt.want)
			}
		}
	}
}

// Two ways to a distance agree, up to the last bits.
func TestExactIsNear(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		a, b := somewhere(r), somewhere(r)
		if x, y := Distance(a, b), ExactDistance(a, b); !(math.Abs(x-y) < 1e-7) {
			t.Fatalf("from %v to %v: %v or %v", a, b, x, y)
		}
		far := Point{a.Lon + math.Copysign(180, -a.Lon), -a.Lat} // where rounding is worst
		if x, y := Distance(a, far), ExactDistance(a, far); !(x > 20020733 && y > 20020733) {
			t.Fatalf("from %v to %v: %v or %v", a, far, x, y)
		}
	}
}

func somewhere(r *rand.Rand) Point {
	return Point{r.Float64()*360 - 180, r.Float64()*140 - 70}
}

// The ranges of an area hold all places in it, none twice, and of a large map few others:
// that is what a search costs. In the latitudes where people live, and not over longitude
// 180, nothing is missed.
func TestRangesCover(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	places := make([]Point, 20_000)
	for i := range places {
		places[i] = PointOf(float64(Score(Point{r.Float64()*80 - 40, r.Float64()*100 - 50})))
	}
	for range 300 {
		center := Point{r.Float64()*40 - 20, r.Float64()*60 - 30}
		size := math.Exp(r.Float64()*7) * 1000
		s := []Shape{Circle(center, size), Box(center, 2*size, size), Polygon([]Point{center, {center.Lon + size/3e5, center.Lat}, {center.Lon, center.Lat + size/3e5}})}[r.IntN(3)]
		ranges := s.Ranges()
		if len(ranges) > 9 {
			t.Fatalf("%d ranges", len(ranges))
		}
		inside, looked := 0, 0
		for _, p := range places {
			n, score := 0, float64(Score(p))
			for _, part := range ranges {
				if score >= part.Min && score < part.Max {
					n++
				}
			}
			looked += n
			if n > 1 || s.Holds(p) && n == 0 {
				t.Fatalf("%+v: %v is in %d of %v", s, p, n, ranges)
			}
			if s.Holds(p) {
				inside++
			}
		}
		if share := float64(looked) / float64(len(places)); size < 30_000 && share > 0.02 {
			t.Errorf("%+v: %d places are looked at, for %d inside", s, looked, inside)
		}
	}
}

// Areas of any size at any place have ranges, and answer.
func FuzzShape(f *testing.F) {
	f.Add(13.0, 38.0, 1000.0, 2000.0)
	f.Add(180.0, 85.05112878, 0.0, 1e300)
	f.Add(-180.0, -85.05112878, math.Inf(1), 1.0)
	f.Add(0.0, 80.5, 1e-300, 5e6)
	f.Fuzz(func(t *testing.T, lon, lat, width, height float64) {
		p := Point{lon, lat}
		if !p.Valid() || width < 0 || height < 0 {
			return
		}
		for _, s := range []Shape{Circle(p, width), Box(p, width, height), Polygon([]Point{p, {-lon, lat}, {lon / 2, -lat}, {0, 85}})} {
			ranges := s.Ranges()
			if len(ranges) == 0 || len(ranges) > 9 {
				t.Errorf("%+v has %d ranges", s, len(ranges))
			}
			for _, r := range ranges {
				if !(r.Min >= 0 && r.Min < r.Max && r.Max <= 1<<54) {
					t.Errorf("%+v has range %v", s, r)
				}
			}
			s.Holds(p)
			s.Holds(Point{-lon, -lat})
		}
	})
}
