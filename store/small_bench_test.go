package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/understudy-go/understudy/store"
)

// A small collection is one immutable blob, which each write copies and most look-ups
// walk through: the sizes at which a large form takes over bound what that costs.

func BenchmarkSmallList(b *testing.B) {
	push := map[store.Side]func(db store.DB) (int, error){
		store.Left:  func(db store.DB) (int, error) { return db.LPush("k", benchKey(0)) },
		store.Right: func(db store.DB) (int, error) { return db.RPush("k", benchKey(0)) },
	}
	for _, n := range []int{1, 10, 100} {
		for side, name := range map[store.Side]string{store.Right: "RPUSH+LPOP", store.Left: "LPUSH+RPOP"} {
			b.Run(fmt.Sprintf("%s/n=%d", name, n), func(b *testing.B) {
				db := newCollection("list", n).db
				b.ReportAllocs()
				for b.Loop() {
					_, _ = push[side](db)
					if side == store.Right {
						_, _ = db.LPop("k")
					} else {
						_, _ = db.RPop("k")
					}
				}
			})
		}
	}
}

func BenchmarkSmallSet(b *testing.B) {
	for _, form := range []string{"", "m"} {
		for _, n := range []int{8, 64, 127} {
			b.Run(fmt.Sprintf("SREM+SADD/texts=%v/n=%d", form != "", n), func(b *testing.B) {
				db := store.New(nil).DB(0)
				members := make([]string, n)
				for i := range n {
					members[i] = fmt.Sprint(form, i)
				}
				_, _ = db.SAdd("k", members...)
				r := rand.New(rand.NewPCG(1, 2))
				b.ReportAllocs()
				for b.Loop() {
					m := members[r.IntN(n)]
					_, _ = db.SRem("k", m)
					_, _ = db.SAdd("k", m)
				}
			})
		}
	}
}

func BenchmarkSmallSorted(b *testing.B) {
	for _, n := range []int{8, 64, 127} {
		c := newCollection("sorted", n)
		b.Run(fmt.Sprintf("ZADD/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.db.ZAdd("k", c.scored(c.member()))
			}
		})
		b.Run(fmt.Sprintf("ZRANK/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.db.ZRank("k", c.member())
			}
		})
	}
}

func BenchmarkSmallHash(b *testing.B) {
	for _, n := range []int{8, 64, 127} {
		c := newCollection("hash", n)
		b.Run(fmt.Sprintf("HSET/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.db.HSet("k", c.member(), benchValue)
			}
		})
	}
}
