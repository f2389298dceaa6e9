package simtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/understudy-go/understudy/resp"
	"github.com/understudy-go/understudy/store"
)

// Databases of a simulation. The last one holds what WaitReplicas was asked about: no drawn write goes there.
const (
	databases = 4
	markers   = 3
	markerKey = "acknowledged"
)

// keysOfType is how many keys a script has of each type.
const (
	keysOfType = 3
)

// doer is a database, of a store or of a transaction.
type doer interface {
	Do(args ...string) (resp.Value, error)
}

// forms are the commands of a script. A digit 1 to 3 behind a letter is a key of that type: s, n and f hold strings (n integers, f floats), l lists, h hashes, t sets,
// z sorted sets, x streams, p sketches; all of them are drawn anew. Another % word is drawn as well: %v a value, %w another one, %i a small integer, %e an element, %p a time in ms, %x an ID of a
// stream, which may be that of no entry, %g a group and %c a consumer.
//
// Nearly all of them give something else when they are made twice, or left out.
var forms = []string{
	"INCR n", "INCR n", "INCRBY n %i", "DECR n", "INCRBYFLOAT f 0.1", "INCRBYFLOAT f -2.5e3",
	"APPEND s %v", "APPEND s %e", "SETRANGE s %i %v", "SET s %w", "SET s %w PX %p", "SET s %v XX GET", "GETDEL s", "GETSET s %v", "MSET s %v s %w n 7", "SETEX s 1 %v",
	"GETEX s PX %p", "MSETNX s %v s %w",
	"SETBIT s %i 1", "BITFIELD s INCRBY i5 %i 1 SET u3 %i 5", "BITOP XOR s s s", "BITOP NOT s s",
	"RPUSH l %v %e", "RPUSH l %e", "LPUSH l %v", "LPOP l", "RPOP l 2", "LMOVE l l LEFT RIGHT", "LINSERT l BEFORE %e %v", "LREM l 1 %e", "LSET l 0 %v",
	"LTRIM l -12 -1", "LTRIM l 0 9", "LMPOP 2 l l LEFT COUNT 3",
	"HINCRBY h n%e %i", "HINCRBY h n%e 1", "HSET h %e %v %e %w", "HDEL h %e n%e", "HINCRBYFLOAT h x%e 0.1", "HSETNX h %e %v",
	"SADD t %e %e %e", "SREM t %e", "SPOP t", "SPOP t 3", "SMOVE t t %e", "SUNIONSTORE t t t", "SDIFFSTORE t t t",
	"ZINCRBY z %i %e", "ZINCRBY z 0.1 %e", "ZADD z INCR 2 %e", "ZADD z GT %i %e %i %e", "ZREM z %e", "ZPOPMIN z", "ZPOPMAX z 2", "ZUNIONSTORE z 2 z z", "ZREMRANGEBYRANK z 0 1",
	"ZRANGESTORE z z 0 3", "SORT l ALPHA STORE l",
	"HPEXPIRE h %p FIELDS 2 %e %e", "HPEXPIRE h %p FIELDS 1 %e", "HPEXPIRE h %p GT FIELDS 1 n%e", "HPEXPIRE h %p FIELDS 2 x%e n%e", "HPERSIST h FIELDS 2 %e %e", "HSETEX h PX %p FIELDS 2 %e %v %e %w",
	"HSETEX h FNX KEEPTTL FIELDS 1 %e %v", "HGETEX h PX %p FIELDS 1 %e", "HGETDEL h FIELDS 2 %e %e", "HGETALL h",
	"XADD x * %e %v", "XADD x * %e %v %e %w", "XADD x * %e %v", "XADD x * %e %v %e %w", "XADD x %x c 1", "XADD x * a 1", "XADD x MAXLEN ~ 8 * %e %v", "XADD x MAXLEN 5 * %e %v", "XADD x MINID ~ %x * a 2", "XADD x NOMKSTREAM %x b %v", "XTRIM x MAXLEN ~ 6",
	"XTRIM x MAXLEN 3", "XDEL x %x %x", "XSETID x 9-9",
	"XGROUP CREATE x %g $ MKSTREAM", "XGROUP CREATE x %g 0 MKSTREAM", "XGROUP SETID x %g %x", "XGROUP DESTROY x %g", "XGROUP CREATECONSUMER x %g %c", "XGROUP DELCONSUMER x %g %c",
	"XREADGROUP GROUP %g %c COUNT 3 STREAMS x >", "XREADGROUP GROUP %g %c COUNT 1 STREAMS x >", "XREADGROUP GROUP %g %c STREAMS x >", "XREADGROUP GROUP %g %c STREAMS x >", "XREADGROUP GROUP %g %c NOACK COUNT 2 STREAMS x x > >", "XREADGROUP GROUP %g %c COUNT 2 STREAMS x 0",
	"XACK x %g %x %x %x", "XCLAIM x %g %c 0 %x %x", "XCLAIM x %g %c 0 %x RETRYCOUNT %i FORCE JUSTID", "XCLAIM x %g %c 0 %x LASTID %x", "XAUTOCLAIM x %g %c 0 0 COUNT 3", "XAUTOCLAIM x %g %c 5 %x JUSTID",
	"PFADD p %v %e", "PFADD p %v %v %v %v", "PFCOUNT p", "PFCOUNT p p", "PFMERGE p p", "GEOADD z %i.5 %i.25 %e", "GEOSEARCHSTORE z z FROMLONLAT 9 9 BYRADIUS 900 km", "GEORADIUS z 5 5 1500 km STORE z",
	"PEXPIRE s %p", "PEXPIRE x %p", "PEXPIRE p %p", "RENAME x x", "COPY x x REPLACE", "MOVE x %d", "MOVE h %d", "DEL x", "PEXPIRE l %p", "PEXPIRE h %p", "PEXPIRE z %p", "EXPIRE t 1", "PERSIST s", "PERSIST h", "PEXPIRE n %p GT",
	"DEL s l", "DEL h", "UNLINK z t", "RENAME s s", "RENAME l l", "RENAME h h", "COPY z z REPLACE", "COPY h h REPLACE", "MOVE s %d", "MOVE l %d",
}

// rare are commands about everything at once.
var rare = []string{"FLUSHDB", "SWAPDB 0 1"}

// drawCommand returns a command for one of the databases that scripts write to.
func drawCommand(rnd *rand.Rand) []string {
	list := forms
	if rnd.IntN(60) == 0 {
		list = rare
	}
	args := strings.Fields(list[rnd.IntN(len(list))])
	for i, a := range args {
		args[i] = drawArg(rnd, a)
	}
	return args
}

func drawArg(rnd *rand.Rand, form string) string {
	switch prefix := strings.TrimSuffix(form, "%e"); form {
	case "s", "n", "f", "l", "h", "t", "z", "x", "p":
		return form + strconv.Itoa(1+rnd.IntN(keysOfType))
	case "%v":
		return "v" + strconv.Itoa(rnd.IntN(1000))
	case "%w":
		return strings.Repeat("w", rnd.IntN(60))
	case "%i":
		return strconv.Itoa(rnd.IntN(20))
	case "%x":
		return drawID(rnd)
	case "%g", "%c":
		return form[1:] + strconv.Itoa(rnd.IntN(2))
	case "%d":
		return strconv.Itoa(rnd.IntN(2))
	case "%p":
		if rnd.IntN(3) == 0 {
			return strconv.Itoa(10_000_000 + rnd.IntN(1500)) // to be there in the end, when deadlines are compared
		}
		return strconv.Itoa(1 + rnd.IntN(1500))
	case "%i.5", "%i.25":
		return strconv.Itoa(rnd.IntN(20)) + form[2:]
	case prefix + "%e":
		return prefix + "e" + strconv.Itoa(rnd.IntN(6))
	}
	return form
}

// drawID returns an ID of a stream. The clock of a bubble begins at the same instant, so that entries are found now and then.
func drawID(rnd *rand.Rand) string {
	switch rnd.IntN(4) {
	case 0:
		return "0-" + strconv.Itoa(1+rnd.IntN(3))
	case 1:
		return strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	return strconv.FormatInt(time.Now().UnixMilli()-int64(rnd.IntN(3)), 10) + "-" + strconv.Itoa(rnd.IntN(6))
}

// errUndo ends a transaction that must leave nothing behind.
var errUndo = errors.New("simtest: undone")

// makeWrite makes one drawn write, which may be a transaction, and one of those may be taken back.
func makeWrite(rnd *rand.Rand, s *store.Store) error {
	if rnd.IntN(50) == 0 {
		return makeRoom(s)
	}
	if rnd.IntN(4) > 0 {
		return tryCommand(rnd, s.DB(rnd.IntN(2)))
	}
	undo := rnd.IntN(6) == 0
	_, err := s.Update(func(tx *store.Tx) error {
		for range 2 + rnd.IntN(12) {
			if err := tryCommand(rnd, tx.DB(rnd.IntN(2))); err != nil {
				return err
			}
		}
		if undo {
			return errUndo
		}
		return nil
	})
	if undo && errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// makeRoom lets a tenth of the data go, as far as keys have a deadline: by the policy that draws nothing, and that leaves the markers alone.
func makeRoom(s *store.Store) error {
	l := store.MemoryLimit{Bytes: max(s.Stats().Bytes*9/10, 1), Policy: store.VolatileTTL}
	if err := s.SetMemoryLimit(l); err != nil {
		return err
	}
	return s.SetMemoryLimit(store.MemoryLimit{})
}

// tryCommand makes one drawn command. What the data does not allow, such as LSET on a list that is not there, is no error.
func tryCommand(rnd *rand.Rand, db doer) error {
	args := drawCommand(rnd)
	_, err := db.Do(args...)
	if err != nil && strings.HasPrefix(err.Error(), "NOGROUP") {
		err = founds(db, args)
	}
	if err == nil || errors.Is(err, store.ErrNotFound) || refused(err) {
		return nil
	}
	return fmt.Errorf("%q: %w", args, err)
}

// founds makes the groups that a command has missed, and what they are of: else there would be few of them. It has them read on from the beginning.
func founds(db doer, args []string) error {
	for _, key := range args {
		if len(key) != 2 || key[0] != 'x' {
			continue
		}
		for _, group := range args {
			if len(group) != 2 || group[0] != 'g' {
				continue
			}
			if _, err := db.Do("XGROUP", "CREATE", key, group, "0", "MKSTREAM"); err != nil && !refused(err) {
				return err
			}
		}
	}
	_, err := db.Do(args...)
	return err
}

// refused tells whether an error is the reply of a command, and one about its arguments and the data.
func refused(err error) bool {
	text := err.Error()
	for _, prefix := range []string{
		"ERR no such key", "ERR index out of range", "ERR source and destination objects are the same", "ERR The ID specified in X", "ERR The XGROUP subcommand requires", "ERR could not decode requested zset member",
		"NOGROUP ", "BUSYGROUP ", "ERR The ID argument cannot be", "ERR Elements are too large",
	} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}
