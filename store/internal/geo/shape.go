package geo

import "math"

// A Shape is an area on the earth. Make one by [Circle], [Box] or [Polygon].
type Shape struct {
	kind          shapeKind
	center        Point
	radius        float64 // meters, of a circle
	width, height float64 // meters, of a box
	vertices      []Point
}

type shapeKind uint8

const (
	circle shapeKind = iota
	box
	polygon
)

// Circle is all within radius meters of center.
func Circle(center Point, radius float64) Shape {
	return Shape{kind: circle, center: center, radius: radius}
}

// Box is what is up to half of width meters to the east or west of center, along its own
// circle of latitude, and half of height to the north or south.
func Box(center Point, width, height float64) Shape {
	return Shape{kind: box, center: center, width: width, height: height}
}

// Polygon is what lies between vertices, at least three, on a flat map. Its middle is that
// of the vertices in space. Vertices are kept.
func Polygon(vertices []Point) Shape {
	return Shape{kind: polygon, center: middleOf(vertices), vertices: vertices}
}

// middleOf is the mean of places in space, brought to the surface.
func middleOf(places []Point) Point {
	var x, y, z float64
	for _, p := range places {
		lon, lat := radians(p.Lon), radians(p.Lat)
		x += float64(earthRadius * math.Cos(lat) * math.Cos(lon))
		y += float64(earthRadius * math.Cos(lat) * math.Sin(lon))
		z += float64(earthRadius * math.Sin(lat))
	}
	n := float64(len(places))
	x, y, z = x/n, y/n, z/n
	return Point{degrees(math.Atan2(y, x)), degrees(math.Atan2(z, math.Sqrt(float64(x*x)+float64(y*y))))}
}

// Center is the place from which distances count.
func (s *Shape) Center() Point { return s.center }

// Holds reports whether p is in s. The edge of a circle and of a box belongs to it.
func (s *Shape) Holds(p Point) bool {
	switch s.kind {
	case circle:
		return near(s.center, p, s.radius)
	case box:
		return latDistance(s.center, p) <= s.height/2 && near(p, Point{s.center.Lon, p.Lat}, s.width/2)
	}
	return s.surrounds(p)
}

// near reports whether a and b are at most so many meters apart. It looks twice where that
// depends on the last digits.
func near(a, b Point, meters float64) bool {
	d := Distance(a, b)
	if math.Abs(d-meters) > 1e-9*meters {
		return d <= meters
	}
	return ExactDistance(a, b) <= meters
}

// surrounds reports whether a ray from p to the east crosses the edges of s an odd number of
// times.
func (s *Shape) surrounds(p Point) (inside bool) {
	b := s.vertices[len(s.vertices)-1]
	for _, a := range s.vertices {
		if (a.Lat > p.Lat) != (b.Lat > p.Lat) && p.Lon < float64((b.Lon-a.Lon)*(p.Lat-a.Lat)/(b.Lat-a.Lat))+a.Lon {
			inside = !inside
		}
		b = a
	}
	return inside
}

// bounds are the lowest and the highest longitude and latitude that matter to s. They may
// lie off the map.
func (s *Shape) bounds() (low, high Point) {
	switch s.kind {
	case circle:
		return around(s.center, s.radius, s.radius)
	case box:
		return around(s.center, s.width/2, s.height/2)
	}
	low, high = Point{MaxLon, MaxLat}, Point{-MaxLon, -MaxLat}
	for _, p := range s.vertices {
		low = Point{min(low.Lon, p.Lon), min(low.Lat, p.Lat)}
		high = Point{max(high.Lon, p.Lon), max(high.Lat, p.Lat)}
	}
	return low, high
}

// around are the bounds of what reaches so many meters from center to the east and to the
// north. A degree of longitude is shortest on the side of the nearer pole: it counts there.
func around(center Point, east, north float64) (low, high Point) {
	lat := degrees(north / earthRadius)
	edge := center.Lat + lat
	if center.Lat < 0 {
		edge = center.Lat - lat
	}
	lon := degrees(east / earthRadius / math.Cos(radians(edge)))
	return Point{center.Lon - lon, center.Lat - lat}, Point{center.Lon + lon, center.Lat + lat}
}

// reach is how far from the center s extends at most, in meters.
func (s *Shape) reach() float64 {
	switch s.kind {
	case circle:
		return s.radius
	case box:
		return math.Sqrt(float64(s.width/2*(s.width/2)) + float64(s.height/2*(s.height/2)))
	}
	low, high := s.bounds()
	far := 0.0
	for _, corner := range []Point{low, high, {low.Lon, high.Lat}, {high.Lon, low.Lat}} {
		far = max(far, Distance(s.center, corner))
	}
	return far
}
