package verify

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// An inventory is an Ansible inventory in YAML, read as ansible.builtin.yaml reads it.
type inventory struct {
	hosts  map[string]*inventoryHost
	groups map[string]*inventoryGroup
}

// An inventoryHost is a machine.
type inventoryHost struct {
	address string // ansible_host
	line    int    // of ansible_host, or of the host's first mention
	groups  []string
}

// An inventoryGroup is a set of machines.
type inventoryGroup struct {
	line     int
	folder   string   // of its machines' files, hosts/<site>/<folder>: the variable meshgen_group
	hosts    []string // that it lists itself
	children []string
	filled   bool // some mention has a body
}

// timeServers is the group of the machines that may serve time to others.
const timeServers = "time_servers"

// groupName is what Ansible takes for a group without a warning on each run.
var groupName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// connectionVars are the variables of Ansible's own that an inventory may set (docs.ansible.com, "Connecting to hosts:
// behavioral inventory parameters"); a name of that form that is none of them has no effect.
var connectionVars = words(`ansible_host ansible_port ansible_user ansible_connection ansible_become
	ansible_become_method ansible_become_user ansible_python_interpreter ansible_ssh_common_args`)

// parseInventory reads an inventory.
func parseInventory(data []byte) (*inventory, faults) {
	var (
		fs  faults
		doc yaml.Node
		inv = &inventory{hosts: map[string]*inventoryHost{}, groups: map[string]*inventoryGroup{}}
	)
	if err := yaml.Unmarshal(data, &doc); err != nil {
		fs.add(0, "not YAML: %v", err)
		return inv, fs
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		fs.add(0, "not a mapping of groups")
		return inv, fs
	}
	eachEntry(doc.Content[0], &fs, func(key, value *yaml.Node) {
		if key.Value != "all" {
			fs.add(key.Line, "%q stands beside all: the tree of groups has one root", key.Value)
			return
		}
		inv.readGroup("all", key, value, &fs)
	})
	inv.check(&fs)
	return inv, fs
}

func inventoryPath(site string) string { return "hosts/" + site + "/inventory.yaml" }

// readInventory reads the inventory of a tree's site; an empty one where there is none.
func readInventory(t *artifact.Tree, site string) *inventory {
	f := t.Lookup(inventoryPath(site))
	if f == nil {
		return &inventory{}
	}
	inv, _ := parseInventory(f.Bytes())
	return inv
}

func checkInventoryFile(f *artifact.File, p *pass) {
	readLines(ruleInventory, "#", func(f *artifact.File) faults {
		inv, fs := parseInventory(f.Bytes())
		if f.Path() == inventoryPath(p.releases.Site) {
			p.asked = inv
		}
		return fs
	})(f, p)
}

// inventory is the site's inventory, read once; its own faults are reported by its verifier.
func (p *pass) inventory() *inventory {
	if p.asked == nil {
		p.asked = readInventory(p.tree, p.releases.Site)
	}
	return p.asked
}

// eachEntry visits the entries of a mapping. A key that stands twice is a fault: the first one would be lost.
func eachEntry(node *yaml.Node, fs *faults, visit func(key, value *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode {
			fs.add(key.Line, "a key that is no word")
			continue
		}
		if seen[key.Value] {
			fs.add(key.Line, "key %q stands twice", key.Value)
			continue
		}
		seen[key.Value] = true
		visit(key, node.Content[i+1])
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (inv *inventory) readGroup(name string, key, body *yaml.Node, fs *faults) {
	if !groupName.MatchString(name) {
		fs.add(key.Line, "%q is not a name that Ansible takes for a group", name)
	}
	g := inv.groups[name]
	if g == nil {
		g = &inventoryGroup{line: key.Line}
		inv.groups[name] = g
	}
	if isNull(body) {
		return
	}
	if body.Kind != yaml.MappingNode {
		fs.add(body.Line, "group %s is not a mapping", name)
		return
	}
	if g.filled {
		fs.add(key.Line, "group %s has a body twice, first in line %d", name, g.line)
	}
	g.filled = true
	eachEntry(body, fs, func(key, value *yaml.Node) {
		if !isNull(value) && value.Kind != yaml.MappingNode {
			fs.add(value.Line, "%s of group %s is not a mapping", key.Value, name)
			return
		}
		switch key.Value {
		case "hosts":
			eachEntry(value, fs, func(key, value *yaml.Node) {
				g.hosts = append(g.hosts, key.Value)
				inv.readHost(key, value, name, fs)
			})
		case "children":
			eachEntry(value, fs, func(key, value *yaml.Node) {
				g.children = append(g.children, key.Value)
				inv.readGroup(key.Value, key, value, fs)
			})
		case "vars":
			eachEntry(value, fs, func(key, value *yaml.Node) {
				checkVar(key, fs)
				if key.Value == "meshgen_group" {
					g.folder = value.Value
				}
			})
		default:
			fs.add(key.Line, "group %s: %q is none of hosts, children, vars", name, key.Value)
		}
	})
}

func (inv *inventory) readHost(key, vars *yaml.Node, group string, fs *faults) {
	name := key.Value
	if !hostName.MatchString(name) {
		fs.add(key.Line, "%q is not a host name", name)
	}
	h := inv.hosts[name]
	if h == nil {
		h = &inventoryHost{line: key.Line}
		inv.hosts[name] = h
	}
	if group != "all" {
		h.groups = append(h.groups, group)
	}
	if !isNull(vars) && vars.Kind != yaml.MappingNode {
		fs.add(vars.Line, "the variables of host %s are not a mapping", name)
		return
	}
	eachEntry(vars, fs, func(key, value *yaml.Node) {
		checkVar(key, fs)
		if key.Value != "ansible_host" {
			return
		}
		switch {
		case h.address != "":
			fs.add(key.Line, "ansible_host of %s stands twice, first in line %d", name, h.line)
		case value.Kind != yaml.ScalarNode || !isAddr(value.Value):
			fs.add(value.Line, "ansible_host of %s is not an address: %q", name, value.Value)
		default:
			h.address, h.line = value.Value, key.Line
		}
	})
}

func checkVar(key *yaml.Node, fs *faults) {
	if strings.HasPrefix(key.Value, "ansible_") && !connectionVars[key.Value] {
		fs.add(key.Line, "%s is not a variable of Ansible", key.Value)
	}
}

// check reports what only the whole inventory shows.
func (inv *inventory) check(fs *faults) {
	byAddress := map[string]string{}
	for _, name := range sortedKeys(inv.hosts) {
		h := inv.hosts[name]
		switch other := byAddress[h.address]; {
		case h.address == "":
			fs.add(h.line, "host %s has no ansible_host", name)
		case other != "":
			fs.add(h.line, "hosts %s and %s have one address, %s", other, name, h.address)
		default:
			byAddress[h.address] = name
		}
		if inv.groups[name] != nil {
			fs.add(h.line, "%s is both a host and a group", name)
		}
	}
	for _, name := range sortedKeys(inv.groups) {
		g := inv.groups[name]
		if len(g.hosts) == 0 && len(g.children) == 0 {
			fs.add(g.line, "group %s has neither hosts nor groups", name)
		}
	}
}

// members are the hosts that a group lists.
func (inv *inventory) members(group string) []string {
	if g := inv.groups[group]; g != nil {
		return g.hosts
	}
	return nil
}

// reach are the hosts that a group lists, by itself or by the groups that it lists.
func (inv *inventory) reach(group string) []string {
	g := inv.groups[group]
	if g == nil {
		return nil
	}
	out := slices.Clone(g.hosts)
	for _, child := range g.children {
		out = append(out, inv.members(child)...)
	}
	return out
}

// folderMembers are the machines that get the files of a folder.
func (inv *inventory) folderMembers(folder string) []string {
	var out []string
	for _, name := range sortedKeys(inv.groups) {
		if g := inv.groups[name]; g.folder == folder {
			out = append(out, g.hosts...)
		}
	}
	return out
}

// checkFolders compares the groups with the folders hosts/<site>/<folder>: a machine gets the files of the one group that
// lists it, and a folder that no group names reaches no machine.
func (inv *inventory) checkFolders(folders map[string]bool) faults {
	var fs faults
	named := map[string]string{}
	for _, name := range sortedKeys(inv.groups) {
		g := inv.groups[name]
		switch {
		case g.folder != "" && !folders[g.folder]:
			fs.add(g.line, "group %s takes its files from the folder %s, which is not there", name, g.folder)
		case g.folder != "" && named[g.folder] != "":
			fs.add(g.line, "groups %s and %s take their files from one folder, %s", named[g.folder], name, g.folder)
		case g.folder != "":
			named[g.folder] = name
		}
	}
	for _, folder := range sortedKeys(folders) {
		if named[folder] == "" {
			fs.add(0, "no group takes the files of the folder %s", folder)
		}
	}
	for _, name := range sortedKeys(inv.hosts) {
		var in []string
		for _, g := range inv.hosts[name].groups {
			if inv.groups[g].folder != "" {
				in = append(in, g)
			}
		}
		switch len(in) {
		case 0:
			fs.add(inv.hosts[name].line, "host %s gets no files: no group with a folder lists it", name)
		case 1:
		default:
			fs.add(inv.hosts[name].line, "host %s is in the groups %s: which files it gets depends on the order", name, strings.Join(in, " and "))
		}
	}
	return fs
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
