package geo

import "math"

// A Point is a place, in degrees.
type Point struct{ Lon, Lat float64 }

// The places that have a score.
const (
	MaxLon = 180
	MaxLat = 85.05112878
)

// Valid reports whether p has a score.
func (p Point) Valid() bool {
	return p.Lon >= -MaxLon && p.Lon <= MaxLon && p.Lat >= -MaxLat && p.Lat <= MaxLat
}

// onMap is p, or the place on the edge of the map that is next to it.
func (p Point) onMap() Point {
	return Point{min(max(p.Lon, -MaxLon), MaxLon), min(max(p.Lat, -MaxLat), MaxLat)}
}

// fineness is k of the cells that scores stand for.
const fineness = 26

// A cell is one of 4^fine parts of the map, by its place in either direction.
type cell struct {
	lat, lon uint32
	fine     int
}

// cellOf is the cell in which p lies. At the upper end of a direction it is one behind the
// last.
func cellOf(p Point, fine int) cell { return cellIn(p, fine, MaxLat) }

// cellIn is cellOf of a map that ends at a latitude.
func cellIn(p Point, fine int, maxLat float64) cell {
	parts := float64(uint64(1) << fine)
	return cell{
		lat:  uint32((p.Lat + maxLat) / (maxLat - -maxLat) * parts),
		lon:  uint32((p.Lon + MaxLon) / (MaxLon - -MaxLon) * parts),
		fine: fine,
	}
}

// bits are those of c's place: fine in either direction, and more for a place behind the
// last.
func (c cell) bits() uint64 { return spread(c.lat) | spread(c.lon)<<1 }

func cellOfBits(b uint64, fine int) cell { return cell{gather(b), gather(b >> 1), fine} }

// spread puts a zero before each bit.
func spread(v uint32) uint64 {
	b := uint64(v)
	b = (b | b<<16) & 0x0000ffff0000ffff
	b = (b | b<<8) & 0x00ff00ff00ff00ff
	b = (b | b<<4) & 0x0f0f0f0f0f0f0f0f
	b = (b | b<<2) & 0x3333333333333333
	return (b | b<<1) & 0x5555555555555555
}

// gather takes every other bit, the last one first.
func gather(b uint64) uint32 {
	b &= 0x5555555555555555
	b = (b | b>>1) & 0x3333333333333333
	b = (b | b>>2) & 0x0f0f0f0f0f0f0f0f
	b = (b | b>>4) & 0x00ff00ff00ff00ff
	b = (b | b>>8) & 0x0000ffff0000ffff
	return uint32(b | b>>16)
}

// bounds are the edges of c.
func (c cell) bounds() (low, high Point) {
	edge := func(i uint64, most float64) float64 {
		part := float64(i) / float64(uint64(1)<<c.fine)
		return -most + float64(part*(most - -most)) // rounded before it is added, on every machine
	}
	low = Point{edge(uint64(c.lon), MaxLon), edge(uint64(c.lat), MaxLat)}
	return low, Point{edge(uint64(c.lon)+1, MaxLon), edge(uint64(c.lat)+1, MaxLat)}
}

// middle is the place that c stands for, which is always on the map.
func (c cell) middle() Point {
	low, high := c.bounds()
	return Point{(low.Lon + high.Lon) / 2, (low.Lat + high.Lat) / 2}.onMap()
}

// beside is the cell so many to the east and to the north. Behind the last comes the first.
func (c cell) beside(east, north int) cell {
	last := uint32(1)<<c.fine - 1
	if east != 0 {
		c.lon = (c.lon + uint32(east)) & last
	}
	if north != 0 {
		c.lat = (c.lat + uint32(north)) & last
	}
	return c
}

// Score is the number of the place p, which is valid.
func Score(p Point) uint64 { return cellOf(p, fineness).bits() }

// PointOf is the place that a member of a sorted set with that score has. Any score has one.
func PointOf(score float64) Point { return cellOfBits(bitsOf(score), fineness).middle() }

// bitsOf is score as an integer. What is none in 64 bits becomes what the processors that
// Redis mostly runs on make of it.
func bitsOf(score float64) uint64 {
	const half = 1 << 63
	switch {
	case score >= -half && score < half:
		return uint64(int64(score))
	case score >= half && score < 2*half:
		return uint64(int64(score-half)) + half
	case score < -half || math.IsNaN(score):
		return half
	}
	return 0
}

// hashDigits are those of geohashes, as they are written everywhere.
const hashDigits = "0123456789bcdefghjkmnpqrstuvwxyz"

// Hash is the geohash of the place that score stands for, of eleven digits. The last one is
// always 0: 52 bits do not reach that far.
func Hash(score float64) string {
	b := cellIn(PointOf(score), fineness, 90).bits() // geohashes go up to the poles
	digits := []byte("00000000000")
	for i := range 10 {
		digits[i] = hashDigits[b>>(47-5*i)&31]
	}
	return string(digits)
}
