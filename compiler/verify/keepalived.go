package verify

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A keepalivedConf is a keepalived.conf with one VRRP instance.
type keepalivedConf struct {
	priority, routerID int
	source             netip.Addr
	password           string
	vips, peers        []netip.Addr
	set                map[string]bool // statements of the instance without a value
}

// keepalivedBlocks are the statements that each block may hold, by the path of blocks; "=" stands for one value, "*" for
// any line of addresses or names. Source: keepalived.conf(5) of 2.2.7; keepalived -t reads them in the tests.
var keepalivedBlocks = map[string][]string{
	"":                                {},
	"global_defs":                     {"router_id ="},
	"vrrp_track_process":              {"process =", "quorum =", "delay ="},
	"vrrp_instance":                   {"interface =", "state =", "nopreempt", "priority =", "virtual_router_id =", "advert_int =", "unicast_src_ip =", "check_unicast_src"},
	"vrrp_instance/unicast_peer":      {"*"},
	"vrrp_instance/authentication":    {"auth_type =", "auth_pass ="},
	"vrrp_instance/virtual_ipaddress": {"*"},
	"vrrp_instance/track_process":     {"*"},
	"vrrp_instance/virtual_ipaddress_excluded": {"*"},
}

// parseKeepalived reads a keepalived.conf.
func parseKeepalived(data []byte) (*keepalivedConf, faults) {
	var fs faults
	c := &keepalivedConf{set: map[string]bool{}}
	var path []string
	scanLines(data, &fs, func(n int, line string) {
		w := strings.Fields(line)
		at := strings.Join(path, "/")
		switch {
		case len(w) == 0 || w[0][0] == '#':
		case w[len(w)-1] == "{":
			path = append(path, w[0])
			if _, ok := keepalivedBlocks[strings.Join(path, "/")]; !ok {
				fs.add(n, "no block %s here", w[0])
			}
		case len(w) == 1 && w[0] == "}":
			if len(path) == 0 {
				fs.add(n, "one } too many")
				return
			}
			path = path[:len(path)-1]
		case !keepalivedAllows(keepalivedBlocks[at], w):
			fs.add(n, "no statement of %q: %q", at, strings.TrimSpace(line))
		default:
			c.statement(n, at, w, &fs)
		}
	})
	if len(path) > 0 {
		fs.add(0, "block %s is not closed", path[len(path)-1])
	}
	return c, fs
}

func keepalivedAllows(statements []string, w []string) bool {
	return slices.ContainsFunc(statements, func(s string) bool {
		name, _, value := strings.Cut(s, " ")
		return s == "*" && len(w) == 1 || name == w[0] && len(w) == map[bool]int{true: 2, false: 1}[value]
	})
}

func (c *keepalivedConf) statement(n int, at string, w []string, fs *faults) {
	number := func(low, high int) int {
		v, err := strconv.Atoi(w[1])
		if err != nil || v < low || v > high {
			fs.add(n, "%s is %s, and goes from %d to %d", w[0], w[1], low, high)
		}
		return v
	}
	address := func(s string) netip.Addr {
		a, err := netip.ParseAddr(s)
		if err != nil {
			fs.add(n, "%q is no address", s)
		}
		return a
	}
	switch at {
	case "vrrp_instance":
		switch w[0] {
		case "priority":
			c.priority = number(1, 254)
		case "virtual_router_id":
			c.routerID = number(1, 255)
		case "advert_int":
			number(1, 255)
		case "unicast_src_ip":
			c.source = address(w[1])
		case "state":
			c.set[w[1]] = true
		default:
			c.set[w[0]] = true
		}
	case "vrrp_instance/unicast_peer":
		c.peers = append(c.peers, address(w[0]))
	case "vrrp_instance/authentication":
		if w[0] == "auth_pass" {
			c.password = w[1]
		}
	case "vrrp_instance/track_process":
		c.set["track "+w[0]] = true
	case "vrrp_instance/virtual_ipaddress", "vrrp_instance/virtual_ipaddress_excluded":
		p, err := netip.ParsePrefix(w[0])
		if err != nil || !p.IsSingleIP() {
			fs.add(n, "%q is no single address", w[0])
		}
		c.vips = append(c.vips, p.Addr())
	case "vrrp_track_process":
		if w[0] == "process" && w[1] != "haproxy" {
			fs.add(n, "process %s is not what carries the traffic", w[1])
		}
	}
}

func checkKeepalivedFile(f *artifact.File) faults {
	c, fs := parseKeepalived(f.Bytes())
	if c.priority == 0 || c.routerID == 0 || !c.set["interface"] || len(c.vips) == 0 {
		fs.add(0, "no instance with interface, priority, router ID and addresses")
	}
	if c.set["nopreempt"] && !c.set["BACKUP"] {
		fs.add(0, "nopreempt counts in state BACKUP only")
	}
	if !c.set["track haproxy"] {
		fs.add(0, "the instance does not follow HAProxy: a machine without it would keep the addresses")
	}
	if len(c.peers) > 0 && (!c.source.IsValid() || !c.set["check_unicast_src"]) {
		fs.add(0, "peers without unicast_src_ip or check_unicast_src: messages of anybody would count")
	}
	if c.password != "" && (!strings.HasPrefix(c.password, "@secret:") || c.source.Is6()) {
		fs.add(0, "the password is no reference, or VRRP has none in this family")
	}
	return fs
}
