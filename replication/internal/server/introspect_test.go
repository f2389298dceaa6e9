package server

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
	"github.com/understudy-go/understudy/resp"
)

// told are the flags of COMMAND INFO that this server knows of.
const told = "write readonly admin pubsub fast no_auth no_multi blocking movablekeys"

// infoDiffers are the commands of which this server says otherwise: what cannot be queued it refuses by a flag; two families are one command each; sharded
// channels are no keys, and patterns do not move the key of SORT_RO; ZRANK has the option of 7.2.
var infoDiffers = []string{"memory", "multi", "object", "replconf", "sort_ro", "ssubscribe", "sunsubscribe", "watch", "zrank", "zrevrank"}

// TestCommandInfoAsRedis compares what COMMAND INFO and COMMAND DOCS say of each command with what Redis 7.0 says.
func TestCommandInfoAsRedis(t *testing.T) {
	addr := realserver.Start(t, realserver.R7, "--save", "").Addr()
	nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	redis := &client{t: t, raw: nc, r: resp.NewReader(nc, nil)}
	s := start(t, newFake(t))
	c := dial(t, s)
	names := c.value("COMMAND", "LIST").Elems
	compared := 0
	for _, name := range names {
		ours, theirs := infoOf(c, name.Str), infoOf(redis, name.Str)
		if theirs == "" {
			continue // younger than 7.0
		}
		if compared++; (ours != theirs) != slices.Contains(infoDiffers, name.Str) {
			t.Errorf("%s: %s, of Redis %s", name.Str, ours, theirs)
		}
	}
	if compared < len(names)-10 {
		t.Errorf("%d of %d commands are known to Redis", compared, len(names))
	}
}

// infoOf is the arity, the places of the keys, flags and the group of a command; "" for one that does not exist.
func infoOf(c *client, name string) string {
	c.t.Helper()
	info := c.value("COMMAND", "INFO", name).Elems[0]
	if len(info.Elems) < 6 {
		return ""
	}
	var words []string
	for _, f := range info.Elems[2].Elems {
		if slices.Contains(strings.Fields(told), f.Str) {
			words = append(words, f.Str)
		}
	}
	slices.Sort(words)
	docs := c.value("COMMAND", "DOCS", name).Elems[1].Elems
	for i := 0; i < len(docs); i += 2 {
		if docs[i].Str == "group" {
			words = append(words, docs[i+1].Str)
		}
	}
	for _, i := range []int{1, 3, 4, 5} {
		words = append(words, info.Elems[i].String())
	}
	return strings.Join(words, " ")
}
