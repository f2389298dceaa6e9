package clients

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
)

func geoScript(t testing.TB, ctx context.Context, c *redis.Client) {
	palermo := &redis.GeoLocation{Name: "Palermo", Longitude: 13.361389, Latitude: 38.115556}
	catania := &redis.GeoLocation{Name: "Catania", Longitude: 15.087269, Latitude: 37.502669}
	expect(t, int64(2), c.GeoAdd(ctx, "s", palermo, catania))
	expect(t, int64(0), c.GeoAdd(ctx, "s", palermo))
	expect(t, errors.New("ERR invalid longitude,latitude pair 181.000000,0.000000"), c.GeoAdd(ctx, "s", &redis.GeoLocation{Name: "x", Longitude: 181}))
	expect(t, 166.2742, c.GeoDist(ctx, "s", "Palermo", "Catania", "km"))
	expect(t, 166274.1516, c.GeoDist(ctx, "s", "Palermo", "Catania", "m"))
	expect(t, redis.Nil, c.GeoDist(ctx, "s", "Palermo", "none", "km"))
	expect(t, []string{"sqc8b49rny0", "sqdtr74hyu0", ""}, c.GeoHash(ctx, "s", "Palermo", "Catania", "none"))
	expect(t, []*redis.GeoPos{{Longitude: 13.361389338970184, Latitude: 38.1155563954963}, nil}, c.GeoPos(ctx, "s", "Palermo", "none"))

	//lint:ignore SA1019 old clients send it still
	near := c.GeoRadius(ctx, "s", 15, 37, &redis.GeoRadiusQuery{Radius: 200, Unit: "km", WithDist: true, WithCoord: true, WithGeoHash: true, Sort: "ASC"})
	expect(t, []redis.GeoLocation{
		{Name: "Catania", Longitude: 15.087267458438873, Latitude: 37.50266842333162, Dist: 56.4413, GeoHash: 3479447370796909},
		{Name: "Palermo", Longitude: 13.361389338970184, Latitude: 38.1155563954963, Dist: 190.4424, GeoHash: 3479099956230698},
	}, near)
	//lint:ignore SA1019 old clients send it still
	expect(t, []redis.GeoLocation{{Name: "Palermo"}}, c.GeoRadiusByMember(ctx, "s", "Palermo", &redis.GeoRadiusQuery{Radius: 100, Unit: "km"}))
	expect(t, int64(2), c.GeoRadiusStore(ctx, "s", 15, 37, &redis.GeoRadiusQuery{Radius: 200, Unit: "km", Store: "r"}))

	expect(t, []string{"Catania", "Palermo"}, c.GeoSearch(ctx, "s", &redis.GeoSearchQuery{Longitude: 15, Latitude: 37, Radius: 200, RadiusUnit: "km", Sort: "ASC"}))
	expect(t, []string{"Palermo"}, c.GeoSearch(ctx, "s", &redis.GeoSearchQuery{Member: "Palermo", BoxWidth: 100, BoxHeight: 100, BoxUnit: "km"}))
	expect(t, []redis.GeoLocation{{Name: "Palermo", Dist: 190.4424}}, c.GeoSearchLocation(ctx, "s", &redis.GeoSearchLocationQuery{
		GeoSearchQuery: redis.GeoSearchQuery{Longitude: 15, Latitude: 37, Radius: 200, RadiusUnit: "km", Sort: "DESC", Count: 1}, WithDist: true,
	}))
	expect(t, int64(2), c.GeoSearchStore(ctx, "s", "d", &redis.GeoSearchStoreQuery{
		GeoSearchQuery: redis.GeoSearchQuery{Longitude: 15, Latitude: 37, BoxWidth: 400, BoxHeight: 400, BoxUnit: "km"}, StoreDist: true,
	}))
	expect(t, []string{"Catania", "Palermo"}, c.ZRange(ctx, "d", 0, -1))
	expect(t, []string{}, c.GeoSearch(ctx, "none", &redis.GeoSearchQuery{Longitude: 15, Latitude: 37, Radius: 200, RadiusUnit: "km"}))
	expect(t, errors.New("ERR could not decode requested zset member"), c.GeoSearch(ctx, "s", &redis.GeoSearchQuery{Member: "none", Radius: 1, RadiusUnit: "km"}))
	expect(t, "OK", c.Set(ctx, "text", "v", 0))
	expect(t, errWrongType, c.GeoPos(ctx, "text", "a"))
}
