package store

import (
	"math"

	"github.com/understudy-go/understudy/store/internal/geo"
	"github.com/understudy-go/understudy/store/internal/table"
)

// GeoAdd says where members, at least one, of the sorted set at key are, and returns how
// many are new. It makes a sorted set if there is none. A place is kept to about half a
// meter. The error is [ErrWrongType], or that of a place off the map; then nothing has
// changed. O(log n) a member, as ZAdd. Redis 3.2; the stream carries a ZADD.
func (d writes) GeoAdd(key string, members ...GeoMember) (added int, err error) {
	added, _, err = d.GeoAddWith(key, nil, members...)
	return added, err
}

// GeoAddOptions are conditions of GeoAddWith, on each member. The zero value is none; the two
// exclude each other.
type GeoAddOptions struct {
	NX bool // only members that are not there yet
	XX bool // only members that are there
}

// GeoAddWith is GeoAdd under conditions, nil for none. It returns how many members are new,
// and how many of the others are elsewhere now. The error may be that of conditions that
// exclude each other too. Redis 6.2.
func (d writes) GeoAddWith(key string, o *GeoAddOptions, members ...GeoMember) (added, changed int, err error) {
	var plain zaddOptions
	if o != nil {
		plain.ifNew, plain.ifHeld = o.NX, o.XX
	}
	items := make([]Scored, len(members))
	for i, m := range members {
		p := geo.Point(m.GeoPoint)
		if math.IsNaN(p.Lon) || math.IsNaN(p.Lat) {
			return 0, 0, ErrNotFloat
		}
		if err := checkPoint(p); err != nil {
			return 0, 0, err
		}
		items[i] = Scored{float64(geo.Score(p)), m.Member}
	}
	if err := plain.check(2 * len(items)); err != nil {
		return 0, 0, err
	}
	var res zaddResult
	err = d.grow(func(x *exec) (err error) {
		res, err = x.geoAdd(key, items, plain, false)
		return err
	})
	return res.added, res.changed, err
}

// GeoPos is where a member of the sorted set at key is: the middle of the half meter that is
// known of it. The error is [ErrNotFound] if the key or the member is not there, or
// [ErrWrongType]. O(1), as ZScore. Redis 3.2.
func (d reads) GeoPos(key, member string) (GeoPoint, error) {
	var p geo.Point
	var ok bool
	err := d.onSorted(key, func(x *exec, e *table.Entry) { p, ok = x.geoPlace(e, member) })
	return found(GeoPoint(p), ok, err)
}

// GeoHash is the geohash, of eleven digits, of where a member of the sorted set at key is.
// Errors and cost are GeoPos's. Redis 3.2.
func (d reads) GeoHash(key, member string) (string, error) {
	score, err := d.ZScore(key, member)
	if err != nil {
		return "", err
	}
	return geo.Hash(score), nil
}

// GeoDist is how far two members of the sorted set at key are apart, in meters, on a sphere.
// Errors and cost are GeoPos's. Redis 3.2.
func (d reads) GeoDist(key, a, b string) (meters float64, err error) {
	var ok bool
	err = d.onSorted(key, func(x *exec, e *table.Entry) { meters, ok = x.geoDistance(e, a, b) })
	return found(meters, ok, err)
}

// A GeoArea is where a search looks. Make one by [GeoCircle], [GeoBox] or [GeoPolygon]. The
// zero value is the point at longitude 0 and latitude 0.
type GeoArea struct {
	center        GeoPoint
	member        *string // whose place is the center; nil for none
	by            geoBy
	width, height float64 // meters; width is the radius of a circle
	vertices      []GeoPoint
}

// GeoCircle is the area up to radius meters around center.
func GeoCircle(center GeoPoint, radius float64) GeoArea {
	return GeoArea{center: center, by: byRadius, width: radius}
}

// GeoBox is the area up to half of width to the east and the west of center, and up to half
// of height to the north and the south, in meters. Redis 6.2.
func GeoBox(center GeoPoint, width, height float64) GeoArea {
	return GeoArea{center: center, by: byBox, width: width, height: height}
}

// GeoPolygon is the area between vertices, at least three, which are joined by straight
// lines on the map; the last one to the first. It does not reach over longitude 180.
// Distances are from the middle of the vertices. Valkey 9: where it is stored the stream
// carries the result, so older replicas need not know it.
func GeoPolygon(vertices ...GeoPoint) GeoArea { return GeoArea{by: byPolygon, vertices: vertices} }

// Around is the area around a member of the sorted set that is searched. Of a polygon it
// changes nothing.
func (a GeoArea) Around(member string) GeoArea {
	a.member = &member
	return a
}

// shape is the area in e, a sorted set or nil.
func (a GeoArea) shape(x *exec, e *table.Entry) (s geo.Shape, err error) {
	if a.by == byPolygon {
		return a.polygon()
	}
	center := geo.Point(a.center)
	if a.member != nil && e != nil {
		var ok bool
		if center, ok = x.geoPlace(e, *a.member); !ok {
			return s, ErrNotFound
		}
	}
	switch {
	case math.IsNaN(center.Lon + center.Lat + a.width + a.height):
		return s, ErrNotFloat
	case a.width < 0 || a.height < 0:
		return s, wireError("ERR height or width cannot be negative")
	case !center.Valid():
		return s, checkPoint(center)
	case a.by == byBox:
		return geo.Box(center, a.width, a.height), nil
	}
	return geo.Circle(center, a.width), nil
}

func (a GeoArea) polygon() (s geo.Shape, err error) {
	if len(a.vertices) < 3 {
		return s, errVertices
	}
	points := make([]geo.Point, len(a.vertices))
	for i, v := range a.vertices {
		points[i] = geo.Point(v)
		if err := checkPoint(points[i]); err != nil {
			return s, err
		}
	}
	return geo.Polygon(points), nil
}

// GeoOrder is an order of what a search finds.
type GeoOrder uint8

const (
	// GeoUnsorted is none: it costs least.
	GeoUnsorted GeoOrder = iota
	// GeoNearest begins with what is nearest to the middle of the area.
	GeoNearest
	// GeoFarthest begins with what is farthest from it.
	GeoFarthest
)

// GeoSearchOptions are those of GeoSearch. The zero value is all, in no order.
type GeoSearchOptions struct {
	Order GeoOrder
	// Count above 0 is how many members are wanted at most: without an order, or with Any,
	// see there, the nearest.
	Count int
	// Any takes the first Count members that are met, which is faster, and puts them in
	// order then. It goes with a Count only.
	Any bool
}

func (o *GeoSearchOptions) search(s geo.Shape) (q geoSearch, err error) {
	q.shape, q.distances = s, true
	if o == nil {
		return q, nil
	}
	switch {
	case o.Count < 0:
		return q, wireError("ERR COUNT must be > 0")
	case o.Any && o.Count == 0:
		return q, wireError("ERR the ANY argument requires COUNT argument")
	}
	q.order, q.count, q.any = o.Order, int64(o.Count), o.Any
	return q, nil
}

// find is what of e, a sorted set or nil, lies in the area.
func (a GeoArea) find(x *exec, e *table.Entry, o *GeoSearchOptions) ([]GeoFound, error) {
	s, err := a.shape(x, e)
	if err != nil {
		return nil, err
	}
	q, err := o.search(s)
	if err != nil {
		return nil, err
	}
	return x.geoFind(e, &q), nil
}

// GeoSearch returns the members of the sorted set at key that lie in an area; options may be
// nil. The error is [ErrWrongType], [ErrNotFound] if the area is around a member that is not
// there, or that of an area or of options that make no sense. O(log n + m), where m members
// are in nine cells of a grid that cover the area; with an order O(log n + m*log m).
// Redis 6.2.
func (d reads) GeoSearch(key string, a GeoArea, o *GeoSearchOptions) (list []GeoFound, err error) {
	var bad error
	err = d.onSorted(key, func(x *exec, e *table.Entry) { list, bad = a.find(x, e, o) })
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// GeoSearchStore makes what GeoSearch finds at from the value of key to, in place of whatever
// is there, and returns the number of members. Where there are none, to is removed. The
// stream carries the result. Errors and cost are GeoSearch's. Redis 6.2.
func (d writes) GeoSearchStore(to, from string, a GeoArea, o *GeoSearchOptions) (int, error) {
	return d.geoSearchStore(to, from, a, o, 0)
}

// GeoSearchStoreDist is GeoSearchStore with the distances in meters as scores.
func (d writes) GeoSearchStoreDist(to, from string, a GeoArea, o *GeoSearchOptions) (int, error) {
	return d.geoSearchStore(to, from, a, o, 1)
}

func (d writes) geoSearchStore(to, from string, a GeoArea, o *GeoSearchOptions, unit float64) (n int, err error) {
	err = d.grow(func(x *exec) error {
		r, err := x.sortedRef(from)
		if err != nil {
			return err
		}
		list, err := a.find(x, r.e, o)
		if err == nil {
			n = x.geoStore("geosearchstore", to, list, unit)
		}
		return err
	})
	return n, err
}
