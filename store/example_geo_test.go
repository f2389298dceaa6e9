package store_test

import (
	"fmt"

	"github.com/understudy-go/understudy/store"
)

func ExampleDB_GeoSearch() {
	db := store.New(nil).DB(0)
	_, _ = db.GeoAdd("sicily",
		store.GeoMember{Member: "Palermo", GeoPoint: store.GeoPoint{Lon: 13.361389, Lat: 38.115556}},
		store.GeoMember{Member: "Catania", GeoPoint: store.GeoPoint{Lon: 15.087269, Lat: 37.502669}},
		store.GeoMember{Member: "Syracuse", GeoPoint: store.GeoPoint{Lon: 15.2866, Lat: 37.0755}})
	here := store.GeoPoint{Lon: 15, Lat: 37}
	near, err := db.GeoSearch("sicily", store.GeoCircle(here, 100e3), &store.GeoSearchOptions{Order: store.GeoNearest})
	for _, f := range near {
		fmt.Printf("%s %.1f km\n", f.Member, f.Distance/1000)
	}
	fmt.Println(err)
	d, _ := db.GeoDist("sicily", "Palermo", "Catania")
	fmt.Printf("%.1f km\n", d/1000)
	// Output:
	// Syracuse 26.8 km
	// Catania 56.4 km
	// <nil>
	// 166.3 km
}

// Who is in the district: its corners on the map.
func ExampleGeoPolygon() {
	db := store.New(nil).DB(0)
	_, _ = db.GeoAdd("taxis",
		store.GeoMember{Member: "one", GeoPoint: store.GeoPoint{Lon: 2.35, Lat: 48.86}},
		store.GeoMember{Member: "two", GeoPoint: store.GeoPoint{Lon: 2.30, Lat: 48.80}})
	district := store.GeoPolygon(store.GeoPoint{Lon: 2.34, Lat: 48.85}, store.GeoPoint{Lon: 2.37, Lat: 48.85}, store.GeoPoint{Lon: 2.35, Lat: 48.88})
	in, _ := db.GeoSearch("taxis", district, nil)
	for _, f := range in {
		fmt.Println(f.Member)
	}
	// Output: one
}
