package geo

import "math"

// A Range is of scores: from Min up to and not including Max.
type Range struct{ Min, Max float64 }

// Ranges are those in which the scores of all places in s lie, in the order in which Redis
// looks at them: the middle first, then what is around it. At most nine.
func (s *Shape) Ranges() []Range {
	low, high := s.bounds()
	center := s.center.onMap()
	fine := fineFor(s.reach(), center.Lat)
	c := cellOf(center, fine)
	if fine > 1 && !c.reaches(low, high) {
		fine--
		c = cellOf(center, fine)
	}
	ranges := []Range{c.scores()}
	last := Range{-1, -1}
	for _, n := range c.neighbors(low, high) {
		if r := n.scores(); r != last { // of few and large cells, two sides may be the same one
			ranges = append(ranges, r)
			last = r
		}
	}
	return ranges
}

// mapLength is half of the equator on the map, in meters: a cell of fine 1 is as wide.
const mapLength = 20037726.37

// fineFor is the largest k for which a cell is likely to be as large as meters, so that it
// and the eight around it cover a circle of that radius. Towards the poles cells are
// smaller than on the map.
func fineFor(meters, lat float64) int {
	if meters == 0 {
		return fineness
	}
	fine := -1
	for ; meters < mapLength; meters *= 2 {
		fine++
	}
	if lat = math.Abs(lat); lat > 66 {
		fine--
		if lat > 80 {
			fine--
		}
	}
	return min(max(fine, 1), fineness)
}

// reaches reports whether the cells around c extend to the bounds.
func (c cell) reaches(low, high Point) bool {
	_, north := c.beside(0, 1).bounds()
	south, _ := c.beside(0, -1).bounds()
	_, east := c.beside(1, 0).bounds()
	west, _ := c.beside(-1, 0).bounds()
	return !(north.Lat < high.Lat || south.Lat > low.Lat || east.Lon < high.Lon || west.Lon > low.Lon)
}

// neighbors are the cells around c that matter within the bounds: the four sides, then the
// corners.
func (c cell) neighbors(low, high Point) (around []cell) {
	from, to := c.bounds()
	for _, d := range [...]struct{ east, north int }{{0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}} {
		needless := d.north > 0 && to.Lat > high.Lat || d.north < 0 && from.Lat < low.Lat ||
			d.east > 0 && to.Lon > high.Lon || d.east < 0 && from.Lon < low.Lon
		if c.fine < 2 || !needless {
			around = append(around, c.beside(d.east, d.north))
		}
	}
	return around
}

// scores is the range of all scores in c.
func (c cell) scores() Range {
	unit := uint64(1) << (2 * (fineness - c.fine))
	b := c.bits()
	return Range{float64(b * unit), float64((b + 1) * unit)}
}
