package store

import (
	"fmt"
	"maps"
	"sort"
	"strconv"
	"strings"

	"github.com/understudy-go/understudy/resp"
)

// model is the same data as a store's, in plain maps: what the commands mean,
// without versions, snapshots, tables or roll-back.
type model struct {
	dbs []map[string]mvalue
	now int64
}

// mvalue is a key's value. Maps are copied on write, so that a copy of a model
// is cheap.
type mvalue struct {
	text     string
	hash     map[string]string // nil for strings
	deadline int64
}

func newModel(n int) *model {
	m := &model{dbs: make([]map[string]mvalue, n)}
	for i := range m.dbs {
		m.dbs[i] = map[string]mvalue{}
	}
	return m
}

func (m *model) clone() *model {
	c := &model{dbs: make([]map[string]mvalue, len(m.dbs)), now: m.now}
	for i, db := range m.dbs {
		c.dbs[i] = maps.Clone(db)
	}
	return c
}

// purge drops what has expired by now.
func (m *model) purge(now int64) {
	m.now = now
	for _, db := range m.dbs {
		for k, v := range db {
			if v.deadline != 0 && now > v.deadline {
				delete(db, k)
			}
		}
	}
}

// run is the reply to a command in database n. Replies in no stated order are
// sorted.
func (m *model) run(n int, args []string) resp.Value {
	db := m.dbs[n]
	if f := modelCommands[args[0]]; f != nil {
		return f(m, db, args[1:])
	}
	panic("the model does not know " + args[0])
}

type mcommand func(m *model, db map[string]mvalue, a []string) resp.Value

var modelCommands = map[string]mcommand{
	"GET": mGet, "SET": mSet, "SETNX": mSetNX, "GETSET": mGetSet, "GETDEL": mGetDel, "GETEX": mGetEX,
	"MGET": mMGet, "MSET": mMSet, "MSETNX": mMSetNX,
	"INCRBY": mIncr, "APPEND": mAppend, "SETRANGE": mSetRange, "GETRANGE": mGetRange, "STRLEN": mStrlen,
	"HSET": mHSet, "HSETNX": mHSetNX, "HDEL": mHDel, "HINCRBY": mHIncr,
	"HGET": mHGet, "HMGET": mHMGet, "HLEN": mHLen, "HGETALL": mHGetAll,
	"DEL": mDel, "UNLINK": mDel, "EXISTS": mExists, "TYPE": mType, "KEYS": mKeys,
	"RENAME": mRename, "RENAMENX": mRenameNX, "COPY": mCopy, "MOVE": mMove,
	"SWAPDB": mSwap, "FLUSHDB": mFlush, "FLUSHALL": mFlushAll,
	"PEXPIRE": mExpire, "PEXPIREAT": mExpire, "PERSIST": mPersist, "PTTL": mPTTL, "PEXPIRETIME": mExpireTime,
}

var mWrong = reply(ErrWrongType)

func mBulk(v mvalue, ok bool) resp.Value {
	switch {
	case !ok:
		return resp.NullValue()
	case v.hash != nil:
		return mWrong
	}
	return resp.BulkString(v.text)
}

func mGet(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	return mBulk(v, ok)
}

func mSet(m *model, db map[string]mvalue, a []string) resp.Value {
	old, held := db[a[0]]
	next, get, skip := mvalue{text: a[1]}, false, false
	for i := 2; i < len(a); i++ {
		switch a[i] {
		case "NX":
			skip = held
		case "XX":
			skip = !held
		case "GET":
			get = true
		case "KEEPTTL":
			next.deadline = old.deadline
		case "PX":
			i++
			next.deadline = m.now + mInt(a[i])
		}
	}
	if get && held && old.hash != nil {
		return mWrong
	}
	if !skip {
		db[a[0]] = next
	}
	switch {
	case get:
		return mBulk(old, held)
	case skip:
		return resp.NullValue()
	}
	return resp.OK()
}

func mSetNX(_ *model, db map[string]mvalue, a []string) resp.Value {
	_, held := db[a[0]]
	if !held {
		db[a[0]] = mvalue{text: a[1]}
	}
	return boolReply(!held)
}

func mGetSet(m *model, db map[string]mvalue, a []string) resp.Value {
	return mSet(m, db, []string{a[0], a[1], "GET"})
}

func mGetDel(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	if ok && v.hash == nil {
		delete(db, a[0])
	}
	return mBulk(v, ok)
}

func mGetEX(m *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	if w := v; ok && v.hash == nil && len(a) > 1 {
		w.deadline = 0
		if a[1] == "PX" {
			w.deadline = m.now + mInt(a[2])
		}
		db[a[0]] = w
	}
	return mBulk(v, ok)
}

func mMGet(_ *model, db map[string]mvalue, a []string) resp.Value {
	var out []resp.Value
	for _, k := range a {
		v, ok := db[k]
		out = append(out, mBulk(v, ok && v.hash == nil))
	}
	return resp.ArrayOf(out...)
}

func mMSet(_ *model, db map[string]mvalue, a []string) resp.Value {
	for i := 0; i < len(a); i += 2 {
		db[a[i]] = mvalue{text: a[i+1]}
	}
	return resp.OK()
}

func mMSetNX(m *model, db map[string]mvalue, a []string) resp.Value {
	for i := 0; i < len(a); i += 2 {
		if _, ok := db[a[i]]; ok {
			return boolReply(false)
		}
	}
	mMSet(m, db, a)
	return boolReply(true)
}

func mInt(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func mIncr(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	if v.hash != nil {
		return mWrong
	}
	if !ok {
		v.text = "0"
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != v.text {
		return reply(ErrNotInteger)
	}
	v.text = strconv.FormatInt(n+mInt(a[1]), 10)
	db[a[0]] = v
	return resp.Integer(mInt(v.text))
}

func mAppend(_ *model, db map[string]mvalue, a []string) resp.Value {
	v := db[a[0]]
	if v.hash != nil {
		return mWrong
	}
	v.text += a[1]
	db[a[0]] = v
	return resp.Integer(int64(len(v.text)))
}

func mSetRange(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, at := db[a[0]], int(mInt(a[1]))
	if v.hash != nil {
		return mWrong
	}
	if a[2] == "" {
		return resp.Integer(int64(len(v.text)))
	}
	b := []byte(v.text)
	for len(b) < at+len(a[2]) {
		b = append(b, 0)
	}
	copy(b[at:], a[2])
	v.text = string(b)
	db[a[0]] = v
	return resp.Integer(int64(len(b)))
}

// mGetRange knows bounds from 0 on.
func mGetRange(_ *model, db map[string]mvalue, a []string) resp.Value {
	v := db[a[0]]
	if v.hash != nil {
		return mWrong
	}
	n := int64(len(v.text))
	from, to := min(mInt(a[1]), n), min(mInt(a[2])+1, n)
	return resp.BulkString(v.text[from:max(from, to)])
}

func mStrlen(_ *model, db map[string]mvalue, a []string) resp.Value {
	v := db[a[0]]
	if v.hash != nil {
		return mWrong
	}
	return resp.Integer(int64(len(v.text)))
}

// mHash is a copy of the hash at key to be changed.
func mHash(db map[string]mvalue, key string) (v mvalue, wrong bool) {
	v, ok := db[key]
	if ok && v.hash == nil {
		return v, true
	}
	v.hash = maps.Clone(v.hash)
	if v.hash == nil {
		v.hash = map[string]string{}
	}
	return v, false
}

func mHSet(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if wrong {
		return mWrong
	}
	had := len(v.hash)
	for i := 1; i < len(a); i += 2 {
		v.hash[a[i]] = a[i+1]
	}
	db[a[0]] = v
	return resp.Integer(int64(len(v.hash) - had))
}

func mHSetNX(m *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if _, ok := v.hash[a[1]]; ok {
		return boolReply(false)
	}
	if wrong {
		return mWrong
	}
	return mHSet(m, db, a)
}

func mHDel(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if wrong {
		return mWrong
	}
	had := len(v.hash)
	for _, f := range a[1:] {
		delete(v.hash, f)
	}
	if db[a[0]] = v; len(v.hash) == 0 {
		delete(db, a[0])
	}
	return resp.Integer(int64(had - len(v.hash)))
}

func mHIncr(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if wrong {
		return mWrong
	}
	old, ok := v.hash[a[1]]
	n, err := strconv.ParseInt(old, 10, 64)
	if ok && (err != nil || strconv.FormatInt(n, 10) != old) {
		return resp.Err("ERR hash value is not an integer")
	}
	v.hash[a[1]] = strconv.FormatInt(n+mInt(a[2]), 10)
	db[a[0]] = v
	return resp.Integer(n + mInt(a[2]))
}

func mField(v mvalue, f string) resp.Value {
	s, ok := v.hash[f]
	return textReply(s, ok, nil)
}

func mHGet(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if wrong {
		return mWrong
	}
	return mField(v, a[1])
}

func mHMGet(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if wrong {
		return mWrong
	}
	var out []resp.Value
	for _, f := range a[1:] {
		out = append(out, mField(v, f))
	}
	return resp.ArrayOf(out...)
}

func mHLen(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if wrong {
		return mWrong
	}
	return resp.Integer(int64(len(v.hash)))
}

func mHGetAll(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, wrong := mHash(db, a[0])
	if wrong {
		return mWrong
	}
	var out []resp.Value
	for f, s := range v.hash {
		out = append(out, resp.BulkString(f), resp.BulkString(s))
	}
	return resp.MapOf(out...)
}

func mDel(_ *model, db map[string]mvalue, a []string) resp.Value {
	had := len(db)
	for _, k := range a {
		delete(db, k)
	}
	return resp.Integer(int64(had - len(db)))
}

func mExists(_ *model, db map[string]mvalue, a []string) resp.Value {
	n := 0
	for _, k := range a {
		if _, ok := db[k]; ok {
			n++
		}
	}
	return resp.Integer(int64(n))
}

func (v mvalue) kind() Kind {
	if v.hash != nil {
		return Hash
	}
	return String
}

func mType(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	if !ok {
		return resp.SimpleString("none")
	}
	return resp.SimpleString(v.kind().String())
}

func mKeys(_ *model, db map[string]mvalue, a []string) resp.Value {
	var out []resp.Value
	for k := range db {
		if a[0] == "*" || strings.HasPrefix(k, strings.TrimSuffix(a[0], "*")) {
			out = append(out, resp.BulkString(k))
		}
	}
	return resp.ArrayOf(out...)
}

func mRename(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	if !ok {
		return reply(ErrNoKey)
	}
	delete(db, a[0])
	db[a[1]] = v
	return resp.OK()
}

func mRenameNX(m *model, db map[string]mvalue, a []string) resp.Value {
	if _, ok := db[a[0]]; !ok {
		return reply(ErrNoKey)
	}
	if _, ok := db[a[1]]; ok {
		return boolReply(false)
	}
	mRename(m, db, a)
	return boolReply(true)
}

func mCopy(m *model, db map[string]mvalue, a []string) resp.Value {
	to, replace := db, false
	for i := 2; i < len(a); i++ {
		if a[i] == "DB" {
			to = m.dbs[mInt(a[i+1])]
		}
		replace = replace || a[i] == "REPLACE"
	}
	v, ok := db[a[0]]
	if a[0] == a[1] && mSame(db, to) {
		return resp.Err("ERR source and destination objects are the same")
	}
	_, there := to[a[1]]
	if !ok || there && !replace {
		return boolReply(false)
	}
	to[a[1]] = v
	return boolReply(true)
}

// mSame reports whether two maps are one.
func mSame(a, b map[string]mvalue) bool { return fmt.Sprintf("%p", a) == fmt.Sprintf("%p", b) }

func mMove(m *model, db map[string]mvalue, a []string) resp.Value {
	to := m.dbs[mInt(a[1])]
	if mSame(db, to) {
		return resp.Err("ERR source and destination objects are the same")
	}
	v, ok := db[a[0]]
	if _, there := to[a[0]]; !ok || there {
		return boolReply(false)
	}
	delete(db, a[0])
	to[a[0]] = v
	return boolReply(true)
}

func mSwap(m *model, _ map[string]mvalue, a []string) resp.Value {
	i, j := mInt(a[0]), mInt(a[1])
	m.dbs[i], m.dbs[j] = m.dbs[j], m.dbs[i]
	return resp.OK()
}

func mFlush(_ *model, db map[string]mvalue, _ []string) resp.Value {
	clear(db)
	return resp.OK()
}

func mFlushAll(m *model, _ map[string]mvalue, _ []string) resp.Value {
	for _, db := range m.dbs {
		clear(db)
	}
	return resp.OK()
}

// mExpire is PEXPIRE and PEXPIREAT: arguments below a billion are relative.
func mExpire(m *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	at := mInt(a[1])
	if at < 1e9 {
		at += m.now
	}
	for _, o := range a[2:] {
		ok = ok && !(o == "NX" && v.deadline != 0 || o == "XX" && v.deadline == 0 ||
			o == "GT" && (v.deadline == 0 || at <= v.deadline) || o == "LT" && v.deadline != 0 && at >= v.deadline)
	}
	if !ok {
		return boolReply(false)
	}
	v.deadline = at
	if db[a[0]] = v; at <= m.now {
		delete(db, a[0])
	}
	return boolReply(true)
}

func mPersist(_ *model, db map[string]mvalue, a []string) resp.Value {
	v := db[a[0]]
	had := v.deadline != 0
	if v.deadline = 0; had {
		db[a[0]] = v
	}
	return boolReply(had)
}

func mExpireTime(_ *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	switch {
	case !ok:
		return resp.Integer(-2)
	case v.deadline == 0:
		return resp.Integer(-1)
	}
	return resp.Integer(v.deadline)
}

func mPTTL(m *model, db map[string]mvalue, a []string) resp.Value {
	v, ok := db[a[0]]
	switch {
	case !ok:
		return resp.Integer(-2)
	case v.deadline == 0:
		return resp.Integer(-1)
	}
	return resp.Integer(v.deadline - m.now)
}

// normal prints a reply so that those in no stated order can be compared.
func normal(command string, v resp.Value) string {
	if v.Kind == resp.Error {
		return "error " + v.Str
	}
	var list []string
	switch command {
	case "KEYS":
		for _, e := range v.Elems {
			list = append(list, e.Str)
		}
	case "HGETALL":
		for i := 0; i+1 < len(v.Elems); i += 2 {
			list = append(list, v.Elems[i].Str+"="+v.Elems[i+1].Str)
		}
	default:
		return v.String()
	}
	sort.Strings(list)
	return fmt.Sprint(list)
}
