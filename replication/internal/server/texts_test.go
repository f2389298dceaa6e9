package server

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/understudy-go/understudy/replication/internal/realserver"
)

// sharedTexts are exchanges to which Redis 7.0 and this server answer the same, byte for byte. The reply of Redis stands here so that the test means
// something without a Redis; TestTextsAgainstRedis checks that it is Redis's indeed.
var sharedTexts = []struct{ in, want string }{
	// Unknown commands, arity.
	{"foo a b\r\n", "-ERR unknown command 'foo', with args beginning with: 'a' 'b' \r\n"},
	{"foo\r\n", "-ERR unknown command 'foo', with args beginning with: \r\n"},
	{"PING a b\r\n", "-ERR wrong number of arguments for 'ping' command\r\n"},
	{"ECHO\r\n", "-ERR wrong number of arguments for 'echo' command\r\n"},
	{"WAIT 0\r\n", "-ERR wrong number of arguments for 'wait' command\r\n"},
	{"REPLICAOF a\r\n", "-ERR wrong number of arguments for 'replicaof' command\r\n"},
	{"PSYNC a\r\n", "-ERR wrong number of arguments for 'psync' command\r\n"},
	{"SYNC a\r\n", "-ERR wrong number of arguments for 'sync' command\r\n"},
	{"TIME a\r\n", "-ERR wrong number of arguments for 'time' command\r\n"},

	// Connection.
	{"PING\r\n", "+PONG\r\n"},
	{"ping x\r\n", "$1\r\nx\r\n"},
	{"ECHO \"a b\"\r\n", "$3\r\na b\r\n"},
	{"\r\n\r\nPING\r\n", "+PONG\r\n"},
	{"*0\r\nPING\r\n", "+PONG\r\n"},
	{"*1\r\n$4\r\nPING\r\nECHO x\r\n", "+PONG\r\n$1\r\nx\r\n"},
	{"RESET\r\n", "+RESET\r\n"},
	{"AUTH\r\n", "-ERR wrong number of arguments for 'auth' command\r\n"},
	{"AUTH a\r\n", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n"},
	{"AUTH a b\r\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
	{"AUTH a b c\r\n", "-ERR syntax error\r\n"},
	{"AUTH default x\r\n", "+OK\r\n"},
	{"HELLO 4\r\n", "-NOPROTO unsupported protocol version\r\n"},
	{"HELLO x\r\n", "-ERR Protocol version is not an integer or out of range\r\n"},
	{"HELLO 3 FOO\r\n", "-ERR Syntax error in HELLO option 'FOO'\r\n"},
	{"HELLO 3 AUTH a b\r\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
	{"HELLO 3 SETNAME \"a b\"\r\n", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},

	// What a client asks to find out whether this is a cluster.
	{"READONLY\r\n", "-ERR This instance has cluster support disabled\r\n"},
	{"READWRITE\r\n", "-ERR This instance has cluster support disabled\r\n"},
	{"ASKING\r\n", "-ERR This instance has cluster support disabled\r\n"},
	{"CLUSTER INFO\r\n", "-ERR This instance has cluster support disabled\r\n"},
	{"cluster slots\r\n", "-ERR This instance has cluster support disabled\r\n"},
	{"READONLY x\r\n", "-ERR wrong number of arguments for 'readonly' command\r\n"},
	{"CLUSTER\r\n", "-ERR wrong number of arguments for 'cluster' command\r\n"},
	{"MULTI\r\nREADONLY\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n-ERR This instance has cluster support disabled\r\n"},

	// CLIENT.
	{"CLIENT\r\n", "-ERR wrong number of arguments for 'client' command\r\n"},
	{"CLIENT FOO\r\n", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"},
	{"CLIENT ID a\r\n", "-ERR wrong number of arguments for 'client|id' command\r\n"},
	{"CLIENT LIST TYPE foo\r\n", "-ERR Unknown client type 'foo'\r\n"},
	{"CLIENT LIST TYPE\r\n", "-ERR syntax error\r\n"},
	{"CLIENT LIST TYPE pubsub\r\n", "$0\r\n\r\n"},
	{"CLIENT LIST ID\r\n", "-ERR syntax error\r\n"},
	{"CLIENT LIST ID a\r\n", "-ERR Invalid client ID\r\n"},
	{"CLIENT LIST FOO 1\r\n", "-ERR syntax error\r\n"},
	{"CLIENT GETNAME\r\n", "$-1\r\n"},
	{"HELLO 2 SETNAME\r\n", "-ERR Syntax error in HELLO option 'SETNAME'\r\n"},
	{"CLIENT SETNAME \"a b\"\r\n", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
	{"CLIENT SETNAME a\r\nCLIENT GETNAME\r\n", "+OK\r\n$1\r\na\r\n"},
	{"CLIENT SETNAME a\r\nRESET\r\nCLIENT GETNAME\r\n", "+OK\r\n+RESET\r\n$-1\r\n"},
	{"CLIENT NO-EVICT on\r\n", "+OK\r\n"},
	{"CLIENT NO-EVICT x\r\n", "-ERR syntax error\r\n"},
	{"CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING x\r\n", "+OK\r\n$1\r\nx\r\n"},
	{"CLIENT REPLY SKIP\r\nPING\r\nPING x\r\n", "$1\r\nx\r\n"},
	{"CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\nCLIENT REPLY ON\r\n", "+OK\r\n"},
	{"CLIENT REPLY FOO\r\n", "-ERR syntax error\r\n"},
	{"CLIENT KILL\r\n", "-ERR wrong number of arguments for 'client|kill' command\r\n"},
	{"CLIENT KILL 1.2.3.4:5\r\n", "-ERR No such client\r\n"},
	{"CLIENT KILL ID 9999\r\n", ":0\r\n"},
	{"CLIENT KILL ID a\r\n", "-ERR client-id should be greater than 0\r\n"},
	{"CLIENT KILL ID 0\r\n", "-ERR client-id should be greater than 0\r\n"},
	{"CLIENT KILL ID 1 ADDR\r\n", "-ERR syntax error\r\n"},
	{"CLIENT KILL TYPE foo\r\n", "-ERR Unknown client type 'foo'\r\n"},
	{"CLIENT KILL TYPE pubsub\r\n", ":0\r\n"},
	{"CLIENT KILL TYPE replica\r\n", ":0\r\n"},
	{"CLIENT KILL SKIPME foo\r\n", "-ERR syntax error\r\n"},
	{"CLIENT KILL FOO x\r\n", "-ERR syntax error\r\n"},
	{"CLIENT KILL USER x\r\n", "-ERR No such user 'x'\r\n"},
	{"CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.1.1.1:1\r\n", ":0\r\n"},
	{"SCRIPT KILL\r\n", "-NOTBUSY No scripts in execution right now.\r\n"},
	{"SCRIPT KILL x\r\n", "-ERR wrong number of arguments for 'script|kill' command\r\n"},
	{"CLIENT PAUSE\r\n", "-ERR wrong number of arguments for 'client|pause' command\r\n"},
	{"CLIENT PAUSE a\r\n", "-ERR timeout is not an integer or out of range\r\n"},
	{"CLIENT PAUSE -1\r\n", "-ERR timeout is negative\r\n"},
	{"CLIENT PAUSE 1 FOO\r\n", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"},
	{"CLIENT PAUSE 1 WRITE\r\nCLIENT UNPAUSE\r\n", "+OK\r\n+OK\r\n"},

	// CONFIG.
	{"CONFIG\r\n", "-ERR wrong number of arguments for 'config' command\r\n"},
	{"CONFIG GET\r\n", "-ERR wrong number of arguments for 'config|get' command\r\n"},
	{"CONFIG GET nope\r\n", "*0\r\n"},
	{"CONFIG GET TIMEOUT timeout\r\n", "*2\r\n$7\r\nTIMEOUT\r\n$1\r\n0\r\n"},
	{"CONFIG GET slaveof\r\n", "*2\r\n$7\r\nslaveof\r\n$0\r\n\r\n"},
	{"CONFIG GET client-output-buffer-limit\r\n", "*2\r\n$26\r\nclient-output-buffer-limit\r\n$67\r\nnormal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60\r\n"},
	{"CONFIG GET appendonly\r\n", "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n"},
	{"CONFIG SET\r\n", "-ERR wrong number of arguments for 'config|set' command\r\n"},
	{"CONFIG SET nope 1\r\n", "-ERR Unknown option or number of arguments for CONFIG SET - 'nope'\r\n"},
	{"CONFIG SET maxclients x\r\n", "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument couldn't be parsed into an integer\r\n"},
	{"CONFIG SET databases 3\r\n", "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config\r\n"},
	{"CONFIG SET replicaof \"1 1\"\r\n", "-ERR CONFIG SET failed (possibly related to argument 'replicaof') - can't set immutable config\r\n"},
	{"CONFIG SET timeout 1.5\r\n", "-ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer\r\n"},
	{"CONFIG SET timeout -1\r\n", "-ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and 2147483647 inclusive\r\n"},
	{"CONFIG SET repl-backlog-size 10x\r\n", "-ERR CONFIG SET failed (possibly related to argument 'repl-backlog-size') - argument must be a memory value\r\n"},
	{"CONFIG SET repl-backlog-size 0\r\n", "-ERR CONFIG SET failed (possibly related to argument 'repl-backlog-size') - argument must be between 1 and 9223372036854775807 inclusive\r\n"},
	{"CONFIG SET repl-timeout 0\r\n", "-ERR CONFIG SET failed (possibly related to argument 'repl-timeout') - argument must be between 1 and 2147483647 inclusive\r\n"},
	{"CONFIG SET replica-read-only maybe\r\n", "-ERR CONFIG SET failed (possibly related to argument 'replica-read-only') - argument must be 'yes' or 'no'\r\n"},
	{"CONFIG SET loglevel foo\r\n", "-ERR CONFIG SET failed (possibly related to argument 'loglevel') - argument(s) must be one of the following: debug, verbose, notice, warning\r\n"},
	{"CONFIG SET save foo\r\n", "-ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters\r\n"},
	{"CONFIG SET save \"0 1\"\r\n", "-ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters\r\n"},
	{"CONFIG SET save \"9000 1 9001 0\"\r\nCONFIG GET save\r\nCONFIG SET save \"\"\r\nCONFIG GET save\r\n", "+OK\r\n*2\r\n$4\r\nsave\r\n$13\r\n9000 1 9001 0\r\n+OK\r\n*2\r\n$4\r\nsave\r\n$0\r\n\r\n"},
	{"CONFIG SET timeout 0 timeout 0\r\n", "-ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter\r\n"},
	{"CONFIG SET timeout 0 nope 1\r\n", "-ERR Unknown option or number of arguments for CONFIG SET - 'nope'\r\n"},
	{"CONFIG SET timeout 0 hz\r\n", "-ERR syntax error\r\n"},
	{"CONFIG SET repl-timeout 77 hz x\r\nCONFIG GET repl-timeout\r\n", "-ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an integer\r\n*2\r\n$12\r\nrepl-timeout\r\n$2\r\n60\r\n"},
	{"CONFIG SET repl-timeout 61\r\nCONFIG GET repl-timeout\r\nCONFIG SET repl-timeout 60\r\n", "+OK\r\n*2\r\n$12\r\nrepl-timeout\r\n$2\r\n61\r\n+OK\r\n"},
	{"CONFIG SET slave-priority 99\r\nCONFIG GET replica-priority\r\nCONFIG SET replica-priority 100\r\n", "+OK\r\n*2\r\n$16\r\nreplica-priority\r\n$2\r\n99\r\n+OK\r\n"},
	{"CONFIG SET repl-backlog-size 20k\r\nCONFIG GET repl-backlog-size\r\nCONFIG SET repl-backlog-size 1MB\r\n", "+OK\r\n*2\r\n$17\r\nrepl-backlog-size\r\n$5\r\n20000\r\n+OK\r\n"},
	{"CONFIG SET client-output-buffer-limit foo\r\n", "-ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Wrong number of arguments in buffer limit configuration.\r\n"},
	{"CONFIG SET client-output-buffer-limit \"foo 1 1 1\"\r\n", "-ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Invalid client class specified in buffer limit configuration.\r\n"},
	{"CONFIG SET client-output-buffer-limit \"replica x 1 1\"\r\n", "-ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Error in hard, soft or soft_seconds setting in buffer limit configuration.\r\n"},
	{"CONFIG SET dir /does-not-exist\r\n", "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory\r\n"},
	{"CONFIG SET dbfilename a/b\r\n", "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - dbfilename can't be a path, just a filename\r\n"},
	{"CONFIG RESETSTAT\r\n", "+OK\r\n"},
	{"CONFIG REWRITE\r\n", "-ERR The server is running without a config file\r\n"},
	{"CONFIG FOO\r\n", "-ERR unknown subcommand 'FOO'. Try CONFIG HELP.\r\n"},

	// COMMAND, and what has nothing to tell.
	{"COMMAND FOO\r\n", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.\r\n"},
	{"MEMORY PURGE x\r\n", "-ERR wrong number of arguments for 'memory|purge' command\r\n"},
	{"memory purge\r\n", "+OK\r\n"},
	{"CONFIG SET latency-monitor-threshold -1\r\n", "-ERR CONFIG SET failed (possibly related to argument 'latency-monitor-threshold') - argument must be between 0 and 9223372036854775807 inclusive\r\n"},
	{"CONFIG GET latency-monitor-threshold\r\n", "*2\r\n$25\r\nlatency-monitor-threshold\r\n$1\r\n0\r\n"},
	{"LATENCY LATEST x\r\n", "-ERR wrong number of arguments for 'latency|latest' command\r\n"},
	{"LATENCY HISTORY a b\r\n", "-ERR wrong number of arguments for 'latency|history' command\r\n"},
	{"COMMAND LIST FILTERBY PATTERN config|r*t\r\n", "*1\r\n$16\r\nconfig|resetstat\r\n"},
	{"COMMAND LIST FILTERBY MODULE x\r\n", "*0\r\n"},
	{"COMMAND LIST FILTERBY ACLCAT x\r\n", "*0\r\n"},
	{"COMMAND LIST FILTERBY FOO x\r\n", "-ERR syntax error\r\n"},
	{"COMMAND INFO get|x config|x\r\n", "*2\r\n$-1\r\n$-1\r\n"},
	{"COMMAND DOCS get|x config|x\r\n", "*0\r\n"},
	{"COMMAND GETKEYS SET a b\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS PING a\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND GETKEYS foo a\r\n", "-ERR Invalid command specified\r\n"},
	{"COMMAND GETKEYS GET a b\r\n", "-ERR Invalid number of arguments specified for command\r\n"},
	{"COMMAND INFO foo\r\n", "*1\r\n$-1\r\n"},
	{"COMMAND LIST FOO\r\n", "-ERR syntax error\r\n"},
	{"COMMAND LIST FILTERBY PATTERN ech*\r\n", "*1\r\n$4\r\necho\r\n"},
	{"LATENCY LATEST\r\n", "*0\r\n"},
	{"LATENCY RESET\r\n", ":0\r\n"},
	{"SLOWLOG GET\r\n", "*0\r\n"},
	{"SLOWLOG GET x\r\n", "-ERR count should be greater than or equal to -1\r\n"},
	{"SLOWLOG LEN\r\n", ":0\r\n"},
	{"SLOWLOG RESET\r\n", "+OK\r\n"},
	{"ACL WHOAMI\r\n", "$7\r\ndefault\r\n"},
	{"INFO nothing\r\n", "$0\r\n\r\n"},

	// Operation and replication.
	{"SHUTDOWN FOO\r\n", "-ERR syntax error\r\n"},
	{"SHUTDOWN SAVE NOSAVE\r\n", "-ERR syntax error\r\n"},
	{"SHUTDOWN ABORT\r\n", "-ERR No shutdown in progress.\r\n"},
	{"BGSAVE FOO\r\n", "-ERR syntax error\r\n"},
	{"ROLE\r\n", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"},
	{"WAIT 0 10\r\n", ":0\r\n"},
	{"WAIT a 10\r\n", "-ERR value is not an integer or out of range\r\n"},
	{"WAIT 0 a\r\n", "-ERR timeout is not an integer or out of range\r\n"},
	{"WAIT 0 -1\r\n", "-ERR timeout is negative\r\n"},
	{"REPLICAOF a b\r\n", "-ERR Invalid master port\r\n"},
	{"REPLICAOF 127.0.0.1 99999\r\n", "-ERR Invalid master port\r\n"},
	{"REPLICAOF no one\r\n", "+OK\r\n"},
	{"REPLCONF ack 1\r\nPING\r\n", "+PONG\r\n"},
	{"REPLCONF ip-address 1.2.3.4\r\n", "+OK\r\n"},
	{"PSYNC a b\r\n", "-ERR value is not an integer or out of range\r\n"},

	// Pub/sub.
	{"SUBSCRIBE\r\n", "-ERR wrong number of arguments for 'subscribe' command\r\n"},
	{"SUBSCRIBE a a\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"},
	{"SUBSCRIBE a\r\nPSUBSCRIBE p\r\nSSUBSCRIBE s\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$10\r\npsubscribe\r\n$1\r\np\r\n:2\r\n*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n"},
	{"PSUBSCRIBE a\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nPING\r\n", "*3\r\n$10\r\npsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$1\r\na\r\n:0\r\n+PONG\r\n"},
	{"SUNSUBSCRIBE\r\nSUNSUBSCRIBE x\r\nGET x\r\n", "*3\r\n$12\r\nsunsubscribe\r\n$-1\r\n:0\r\n*3\r\n$12\r\nsunsubscribe\r\n$1\r\nx\r\n:0\r\n$-1\r\n"},
	{"SUBSCRIBE a\r\nPING\r\nPING x\r\nPING a b\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n-ERR wrong number of arguments for 'ping' command\r\n"},
	{"SUBSCRIBE a\r\nGET x\r\nGET\r\nFOO\r\nCLIENT LIST\r\nCLIENT FOO\r\nCLIENT\r\nPUBSUB NUMPAT\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" +
		"-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n" +
		"-ERR wrong number of arguments for 'get' command\r\n-ERR unknown command 'FOO', with args beginning with: \r\n" +
		"-ERR Can't execute 'client|list': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n" +
		"-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n-ERR wrong number of arguments for 'client' command\r\n" +
		"-ERR Can't execute 'pubsub|numpat': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n"},
	{"SUBSCRIBE a\r\nRESET\r\nPUBSUB CHANNELS\r\nPING\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+RESET\r\n*0\r\n+PONG\r\n"},
	{"MULTI\r\nSUBSCRIBE m\r\nSSUBSCRIBE s\r\nPSUBSCRIBE p\r\nUNSUBSCRIBE m\r\nMONITOR\r\nEXEC\r\nPING\r\n", "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n" +
		"*5\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nm\r\n:1\r\n-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n*3\r\n$10\r\npsubscribe\r\n$1\r\np\r\n:2\r\n" +
		"*3\r\n$11\r\nunsubscribe\r\n$1\r\nm\r\n:1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"},
	{"PUBLISH a\r\nPUBLISH a b\r\nSPUBLISH a b\r\nMULTI\r\nPUBLISH a b\r\nEXEC\r\n", "-ERR wrong number of arguments for 'publish' command\r\n:0\r\n:0\r\n+OK\r\n+QUEUED\r\n*1\r\n:0\r\n"},
	{"PUBSUB\r\nPUBSUB FOO\r\nPUBSUB NUMPAT x\r\n", "-ERR wrong number of arguments for 'pubsub' command\r\n-ERR unknown subcommand 'FOO'. Try PUBSUB HELP.\r\n-ERR wrong number of arguments for 'pubsub|numpat' command\r\n"},
	{"PUBSUB CHANNELS a b\r\nPUBSUB NUMSUB\r\nPUBSUB NUMSUB a b\r\nPUBSUB SHARDNUMSUB a\r\nPUBSUB NUMPAT\r\n",
		"-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n*0\r\n*4\r\n$1\r\na\r\n:0\r\n$1\r\nb\r\n:0\r\n*2\r\n$1\r\na\r\n:0\r\n:0\r\n"},
	{"CLIENT REPLY OFF\r\nSUBSCRIBE a\r\nPING\r\nUNSUBSCRIBE\r\nCLIENT REPLY ON\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+OK\r\n"},
	{"CONFIG SET notify-keyspace-events Eq\r\n", "-ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use 'Ag$lshzxeKEtmdn'.\r\n"},
	{"CONFIG SET notify-keyspace-events mEKn$\r\nCONFIG GET notify-keyspace-events\r\nCONFIG SET notify-keyspace-events \"\"\r\n", "+OK\r\n*2\r\n$22\r\nnotify-keyspace-events\r\n$5\r\n$nKEm\r\n+OK\r\n"},

	// The slow log, by what it keeps of a command; its times are not to be compared.
	{"CONFIG SET slowlog-log-slower-than x\r\n", "-ERR CONFIG SET failed (possibly related to argument 'slowlog-log-slower-than') - argument couldn't be parsed into an integer\r\n"},
	{"CONFIG SET slowlog-log-slower-than -5\r\n", "-ERR CONFIG SET failed (possibly related to argument 'slowlog-log-slower-than') - argument must be between -1 and 9223372036854775807 inclusive\r\n"},
	{"CONFIG SET slowlog-max-len -1\r\n", "-ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - argument must be between 0 and 9223372036854775807 inclusive\r\n"},
	{"SLOWLOG GET -2\r\nSLOWLOG GET 1 2\r\n", "-ERR count should be greater than or equal to -1\r\n-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.\r\n"},

	// What clients and proxies ask about commands.
	{"COMMAND GETKEYS SPUBLISH a b\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND GETKEYS LMPOP 2 a b LEFT\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"COMMAND GETKEYS LMPOP 3 a b LEFT\r\n", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$4\r\nLEFT\r\n"},
	{"COMMAND GETKEYS LMPOP 4 a b LEFT\r\n", "-ERR Invalid arguments specified for command\r\n"},
	{"COMMAND GETKEYS LMPOP x a b LEFT\r\n", "-ERR Invalid arguments specified for command\r\n"},
	{"COMMAND GETKEYS LMPOP 0 a b LEFT\r\n", "-ERR Invalid arguments specified for command\r\n"},
	{"COMMAND GETKEYS LMPOP -1 a b LEFT\r\n", "-ERR Invalid arguments specified for command\r\n"},
	{"COMMAND GETKEYS BLMPOP 0 1 a LEFT\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS ZUNIONSTORE d 2 a b\r\n", "*3\r\n$1\r\nd\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"COMMAND GETKEYS ZUNIONSTORE d 3 a b\r\n", "-ERR Invalid arguments specified for command\r\n"},
	{"COMMAND GETKEYS SORT a\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS SORT a BY w_* STORE b\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"COMMAND GETKEYS SORT a STORE b STORE c\r\n", "*2\r\n$1\r\na\r\n$1\r\nc\r\n"},
	{"COMMAND GETKEYS SORT a STORE\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS SORT a LIMIT STORE b STORE c\r\n", "*2\r\n$1\r\na\r\n$1\r\nc\r\n"},
	{"COMMAND GETKEYS SORT a GET STORE STORE c\r\n", "*2\r\n$1\r\na\r\n$1\r\nc\r\n"},
	{"COMMAND GETKEYS SORT_RO a GET b\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS OBJECT ENCODING a\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS OBJECT HELP\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND GETKEYS MEMORY USAGE a SAMPLES 3\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS CONFIG GET a\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND GETKEYS PING a\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND GETKEYS FOO a\r\n", "-ERR Invalid command specified\r\n"},
	{"COMMAND GETKEYS GET a b\r\n", "-ERR Invalid number of arguments specified for command\r\n"},
	{"COMMAND GETKEYS MSET a 1 b 2 c\r\n", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"},
	{"COMMAND GETKEYS BLPOP a b 0\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"COMMAND GETKEYS COPY a b DB 3\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"COMMAND GETKEYS MSETNX a 1\r\n", "*1\r\n$1\r\na\r\n"},
	{"COMMAND GETKEYS ZINTERCARD 2 a b LIMIT 1\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"COMMAND GETKEYS SUBSCRIBE a\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND GETKEYS SSUBSCRIBE a\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND GETKEYS WATCH a b\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"COMMAND GETKEYSANDFLAGS SET a b\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS SET a b GET\r\n", "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS SMOVE a b c\r\n", "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+RW\r\n+insert\r\n"},
	{"COMMAND GETKEYSANDFLAGS MSET a 1 b 2\r\n", "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS RESTORE a 0 x\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS ZUNIONSTORE d 2 a b\r\n", "*3\r\n*2\r\n$1\r\nd\r\n*2\r\n+OW\r\n+update\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS SDIFFSTORE d a b\r\n", "*3\r\n*2\r\n$1\r\nd\r\n*2\r\n+OW\r\n+update\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS DEL a b\r\n", "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+RM\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+RM\r\n+delete\r\n"},
	{"COMMAND GETKEYSANDFLAGS EXISTS a\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n+RO\r\n"},
	{"COMMAND GETKEYSANDFLAGS GET a\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS COPY a b\r\n", "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS SORT a STORE b\r\n", "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS BLPOP a b 0\r\n", "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n"},
	{"COMMAND GETKEYSANDFLAGS RENAMENX a b\r\n", "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+insert\r\n"},
	{"COMMAND GETKEYSANDFLAGS RENAME a b\r\n", "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+OW\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS LMOVE a b LEFT RIGHT\r\n", "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+RW\r\n+insert\r\n"},
	{"COMMAND GETKEYSANDFLAGS INCR a\r\n", "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS HDEL a b\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RW\r\n+delete\r\n"},
	{"COMMAND GETKEYSANDFLAGS LPUSH a b\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RW\r\n+insert\r\n"},
	{"COMMAND GETKEYSANDFLAGS SETBIT a 1 1\r\n", "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS BITOP OR d a b\r\n", "*3\r\n*2\r\n$1\r\nd\r\n*2\r\n+OW\r\n+update\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS BITFIELD a GET u8 0 OVERFLOW SAT\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS BITFIELD a\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS BITFIELD a get u8\r\n", "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS BITFIELD a GET u8 0 SET u8 0 1\r\n", "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS ZADD a 1 b\r\n", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RW\r\n+update\r\n"},
	{"COMMAND GETKEYSANDFLAGS SINTERSTORE d a b\r\n", "*3\r\n*2\r\n$1\r\nd\r\n*2\r\n+RW\r\n+update\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS OBJECT ENCODING a\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n+RO\r\n"},
	{"COMMAND GETKEYSANDFLAGS MGET a b\r\n", "*2\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n*2\r\n$1\r\nb\r\n*2\r\n+RO\r\n+access\r\n"},
	{"COMMAND GETKEYSANDFLAGS PING a\r\n", "-ERR The command has no key arguments\r\n"},
	{"COMMAND COUNT x\r\n", "-ERR wrong number of arguments for 'command|count' command\r\n"},
	{"COMMAND FOO\r\n", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.\r\n"},
	{"COMMAND LIST FILTERBY FOO x\r\n", "-ERR syntax error\r\n"},
	{"COMMAND LIST FOO\r\n", "-ERR syntax error\r\n"},
	{"COMMAND LIST FILTERBY ACLCAT nope\r\n", "*0\r\n"},
	{"COMMAND LIST FILTERBY PATTERN xx*\r\n", "*0\r\n"},
	{"COMMAND DOCS nope\r\n", "*0\r\n"},
	{"COMMAND INFO nope get|x config|nope\r\n", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"},
	{"LATENCY LATEST\r\n", "*0\r\n"},
	{"LATENCY HISTORY x\r\n", "*0\r\n"},
	{"LATENCY RESET\r\n", ":0\r\n"},
	{"LATENCY RESET a b\r\n", ":0\r\n"},
	{"LATENCY FOO\r\n", "-ERR unknown subcommand 'FOO'. Try LATENCY HELP.\r\n"},
	{"LATENCY HISTORY\r\n", "-ERR wrong number of arguments for 'latency|history' command\r\n"},
	{"CLIENT NO-EVICT\r\n", "-ERR wrong number of arguments for 'client|no-evict' command\r\n"},
	{"CLIENT REPLY\r\n", "-ERR wrong number of arguments for 'client|reply' command\r\n"},

	// Own commands in a transaction.
	{"MULTI\r\nCLIENT GETNAME\r\nPING\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$-1\r\n+PONG\r\n"},
	{"MULTI\r\nCONFIG FOO\r\nEXEC\r\n", "+OK\r\n-ERR unknown subcommand 'FOO'. Try CONFIG HELP.\r\n-EXECABORT Transaction discarded because of previous errors.\r\n"},
	{"MULTI\r\nFOO\r\nEXEC\r\n", "+OK\r\n-ERR unknown command 'FOO', with args beginning with: \r\n-EXECABORT Transaction discarded because of previous errors.\r\n"},
	{"MULTI\r\nPING a b\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n-ERR wrong number of arguments for 'ping' command\r\n"},
	{"MULTI\r\nSAVE\r\nPSYNC ? -1\r\nSHUTDOWN\r\nDISCARD\r\n", "+OK\r\n-ERR Command not allowed inside a transaction\r\n-ERR Command not allowed inside a transaction\r\n-ERR Command not allowed inside a transaction\r\n+OK\r\n"},
	{"MULTI\r\nWAIT 5 0\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n:0\r\n"},
	{"MULTI\r\nRESET\r\nPING\r\n", "+OK\r\n+RESET\r\n+PONG\r\n"},
	{"MULTI\r\nHELLO 3\r\nDISCARD\r\nCLIENT GETNAME\r\n", "+OK\r\n+QUEUED\r\n+OK\r\n$-1\r\n"},

	// Grammar. What follows is not read.
	{"PING\r\n*1\r\n$-2\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"},
	{"*a\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
	{"*1\r\nfoo\r\n", "-ERR Protocol error: expected '$', got 'f'\r\n"},
	{"\"abc\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},

	// A browser gets nothing, not even for what it sent first.
	{"GET / HTTP/1.0\r\nHost: x\r\n", ""},
	{"POST / HTTP/1.0\r\nPING\r\n", ""},
}

// noSlowLog is for a table that expects an empty one: on a loaded machine any command may be slow.
var noSlowLog = []string{"--slowlog-log-slower-than", "-1"}

func TestTexts(t *testing.T) {
	s := start(t, newFake(t), noSlowLog...)
	for _, c := range sharedTexts {
		if got := exchange(t, s, c.in); got != c.want {
			t.Errorf("%q =\n%q, want\n%q", c.in, got, c.want)
		}
	}
}

// TestTextsAgainstRedis asks a real Redis 7.0 the same questions.
func TestTextsAgainstRedis(t *testing.T) {
	addr := realserver.Start(t, realserver.R7, append(noSlowLog, "--enable-protected-configs", "yes", "--save", "")...).Addr()
	for _, c := range sharedTexts {
		if got := exchangeTCP(t, addr, c.in); got != c.want {
			t.Errorf("%q =\n%q on Redis, and the table says\n%q", c.in, got, c.want)
		}
	}
}

func exchangeTCP(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, text+"QUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") { // a reset is how Redis ends a conversation it has not read to the end
		t.Fatalf("%q: %v", text, err)
	}
	return strings.TrimSuffix(string(all), "+OK\r\n")
}

// ownTexts are replies that only this server gives, or that need a password or a role.
var ownTexts = []struct {
	name  string
	flags []string
	in    string
	want  string
}{
	{"not offered", nil, "EVAL x 0\r\n", "-ERR understudy does not offer 'EVAL'\r\n"},
	{"family not offered", nil, "MODULE LIST\r\n", "-ERR understudy does not offer 'MODULE'\r\n"},
	{"sub-command not offered", nil, "CLIENT TRACKING on\r\n", "-ERR understudy does not offer 'CLIENT TRACKING'\r\n"},
	{"users not offered", nil, "ACL SETUSER x\r\n", "-ERR understudy does not offer 'ACL SETUSER'\r\n"},
	{"not offered, queued", nil, "MULTI\r\nEVAL x 0\r\nEXEC\r\n", "+OK\r\n-ERR understudy does not offer 'EVAL'\r\n-EXECABORT Transaction discarded because of previous errors.\r\n"},
	{"tracking not offered", nil, "CLIENT CACHING yes\r\nCLIENT TRACKINGINFO\r\nCLIENT GETREDIR\r\nPING\r\n", "-ERR understudy does not offer 'CLIENT CACHING'\r\n" +
		"-ERR understudy does not offer 'CLIENT TRACKINGINFO'\r\n-ERR understudy does not offer 'CLIENT GETREDIR'\r\n+PONG\r\n"},
	{"scripts not offered", nil, "EVALSHA x 0\r\nSCRIPT LOAD x\r\nFUNCTION LIST\r\nFCALL f 0\r\n", "-ERR understudy does not offer 'EVALSHA'\r\n" +
		"-ERR understudy does not offer 'SCRIPT LOAD'\r\n-ERR understudy does not offer 'FUNCTION'\r\n-ERR understudy does not offer 'FCALL'\r\n"},
	{"types not offered", nil, "VADD s * f v\r\nVSIM s ele m\r\n", "-ERR understudy does not offer 'VADD'\r\n-ERR understudy does not offer 'VSIM'\r\n"},
	{"latency not offered", nil, "LATENCY DOCTOR\r\nLATENCY HISTOGRAM\r\n", "-ERR understudy does not offer 'LATENCY DOCTOR'\r\n-ERR understudy does not offer 'LATENCY HISTOGRAM'\r\n"},
	{"memory not offered", nil, "MEMORY DOCTOR\r\nmemory stats\r\nMEMORY Malloc-Stats\r\nMEMORY FOO\r\nMEMORY PURGE\r\nMULTI\r\nMEMORY STATS\r\nEXEC\r\nMULTI\r\nMEMORY PURGE\r\nEXEC\r\n",
		"-ERR understudy does not offer 'MEMORY DOCTOR'\r\n-ERR understudy does not offer 'MEMORY STATS'\r\n-ERR understudy does not offer 'MEMORY MALLOC-STATS'\r\n" +
			"-ERR unknown subcommand 'FOO'. Try MEMORY HELP.\r\n+OK\r\n+OK\r\n-ERR understudy does not offer 'MEMORY STATS'\r\n" +
			"-EXECABORT Transaction discarded because of previous errors.\r\n+OK\r\n-ERR Command not allowed inside a transaction\r\n" +
			"-EXECABORT Transaction discarded because of previous errors.\r\n"},
	{"no-touch", nil, "CLIENT NO-TOUCH on\r\nCLIENT NO-TOUCH x\r\n", "+OK\r\n-ERR syntax error\r\n"},
	{"debug", nil, "DEBUG JMAP\r\n", "-ERR understudy does not offer 'DEBUG JMAP'\r\n"},
	{"setinfo", nil, "CLIENT SETINFO LIB-NAME x\r\nCLIENT SETINFO foo x\r\n", "+OK\r\n-ERR Unrecognized option 'foo'\r\n"},
	{"no password given", []string{"--requirepass", "s"}, "PING\r\nGET a\r\n", "-NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n"},
	{"password", []string{"--requirepass", "s"}, "AUTH s\r\nPING\r\nRESET\r\nPING\r\n", "+OK\r\n+PONG\r\n+RESET\r\n-NOAUTH Authentication required.\r\n"},
	{"wrong password", []string{"--requirepass", "s"}, "AUTH t\r\nPING\r\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n-NOAUTH Authentication required.\r\n"},
	{"user and password", []string{"--requirepass", "s"}, "AUTH default s\r\nPING\r\n", "+OK\r\n+PONG\r\n"},
	{"hello without password", []string{"--requirepass", "s"}, "HELLO 3\r\nPING\r\n", "-" + noHello + "\r\n-NOAUTH Authentication required.\r\n"},
	{"hello with a wrong name leaves all as it was", nil, "HELLO 3 SETNAME \"a b\"\r\nCLIENT GETNAME\r\n", "-" + badClientName + "\r\n$-1\r\n"},
	{"RESP3 null", nil, "HELLO 3 SETNAME n\r\nCLIENT SETNAME \"\"\r\nCLIENT GETNAME\r\n", "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n" +
		"$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n+OK\r\n_\r\n"},
	{"RESP3 map", nil, "HELLO 3\r\nCONFIG GET hz\r\n", "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n" +
		"$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n%1\r\n$2\r\nhz\r\n$2\r\n10\r\n"},
}

func TestOwnTexts(t *testing.T) {
	for _, c := range ownTexts {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, newFake(t), c.flags...)
			if got := exchange(t, s, c.in); got != c.want {
				t.Errorf("%q =\n%q, want\n%q", c.in, got, c.want)
			}
		})
	}
}

func TestDebugDigest(t *testing.T) {
	s := start(t, newFake(t))
	if got := exchange(t, s, "DEBUG DIGEST\r\n"); len(got) != 43 || got[0] != '+' {
		t.Errorf("DEBUG DIGEST = %q, want 40 hex digits", got)
	}
}
