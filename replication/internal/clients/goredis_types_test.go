package clients

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// typeScripts are those of what came after lists, sets and sorted sets. Each names the oldest server that knows its commands: 0, where none at hand does.
var typeScripts = []struct {
	name   string
	oldest realserver.Version
	script func(testing.TB, context.Context, *redis.Client)
}{
	{"bitmaps", realserver.R7, bitmapScript},
	{"HyperLogLogs", realserver.R7, hyperLogLogScript},
	{"streams", realserver.R7, streamScript},
	{"consumer groups", realserver.R7, groupScript},
	{"places", realserver.R7, geoScript},
	{"deadlines of fields", realserver.R8, fieldDeadlineScript},
	{"later operations on bits", 0, laterBitScript},
}

// As TestGoRedisCollections: each script is put to a node of ours in both protocols, and to real servers.
func TestGoRedisTypes(t *testing.T) {
	for _, s := range typeScripts {
		t.Run(s.name, func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, c *redis.Client) { s.script(t, t.Context(), c) })
		})
	}
	for _, v := range []realserver.Version{realserver.R7, realserver.R8} {
		t.Run(fmt.Sprint("redis", v), func(t *testing.T) {
			s := realserver.Start(t, v)
			for _, proto := range []int{2, 3} {
				c := redis.NewClient(&redis.Options{Addr: s.Addr(), Protocol: proto})
				defer c.Close()
				for _, script := range typeScripts {
					if script.oldest == 0 || script.oldest > v {
						continue
					}
					script.script(t, t.Context(), c)
					expect(t, "OK", c.FlushAll(t.Context()))
				}
			}
		})
	}
}
