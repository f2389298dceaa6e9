package geo

import "math"

// earthRadius is that of the sphere, in meters.
const earthRadius = 6372797.560856

const degree = math.Pi / 180

func radians(degrees float64) float64 { return degrees * degree }
func degrees(radians float64) float64 { return radians / degree }

// Distance is how far it is from a to b, in meters.
func Distance(a, b Point) float64 { return haversine(a, b, math.Sin, math.Cos, math.Asin) }

func haversine(a, b Point, sin, cos, asin func(float64) float64) float64 {
	v := sin((radians(b.Lon) - radians(a.Lon)) / 2)
	if v == 0 {
		return latDistance(a, b)
	}
	u := sin((radians(b.Lat) - radians(a.Lat)) / 2)
	h := float64(u*u) + float64(cos(radians(a.Lat))*cos(radians(b.Lat))*v*v)
	return 2 * earthRadius * asin(min(math.Sqrt(h), 1)) // of opposite places it may have been rounded up
}

// latDistance is how far it is from the latitude of a to that of b, in meters.
func latDistance(a, b Point) float64 {
	return earthRadius * math.Abs(radians(b.Lat)-radians(a.Lat))
}
