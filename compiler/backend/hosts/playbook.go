package hosts

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// target is a file on machines of some groups, and what must happen when it changes.
type target struct {
	path   string
	groups []string
	notify string
	rank   int // in the order of writing
	from   []string
}

// Handlers in the order in which they run, whatever the order of the changes: a kernel setting of a module exists once
// the module is loaded.
const (
	loadModules  = "load modules"
	resizeTable  = "resize the connection table"
	applySysctls = "apply kernel settings"
	loadFilter   = "load the packet filter"
	loadSources  = "load the source addresses"
	setUpCards   = "set up the network cards"
)

// playbook writes the Ansible playbook that puts each group's files in place.
func playbook(p *ir.Plan, t *artifact.Tree, c carriage) {
	targets, names := targetsOf(p, c)
	if len(targets) == 0 {
		return
	}
	f := t.File(dir(p)+"/playbook.yaml", "name", "racks", "nodeClasses", "delivery.hosts", "kubernetes.distribution", "time.daemon")
	f.Header("#", p.Name)
	comments(f,
		"  look           ansible-playbook -i inventory.yaml playbook.yaml --check --diff",
		"  one rack       ansible-playbook -i inventory.yaml playbook.yaml --limit rack_NAME",
		"  everything     ansible-playbook -i inventory.yaml playbook.yaml",
		"Only what differs is written, and only what reads a file that was written is restarted. A batch is smaller than the",
		"smallest rack that has more than one machine, and the first failure ends the run.")
	y := f.YAML()
	y.Item(func() {
		y.KV("name", "Host configuration of "+p.Name)
		y.From("", "racks", "delivery.hosts")
		y.KV("hosts", strings.Join(names, ":"))
		y.Fixed()
		y.KV("become", true)
		y.KV("gather_facts", false)
		y.From("host/serial", "racks")
		y.KV("serial", p.Serial)
		y.Fixed()
		y.KV("max_fail_percentage", 0)
		y.Comment("What was written before a failure is read all the same: the next run would find nothing to change.")
		y.KV("force_handlers", true)
		y.Seq("tasks", func() {
			packages(y, p)
			for _, x := range targets {
				y.From("", x.from...)
				tasks(y, x, len(x.groups) == len(names))
			}
		})
		y.Fixed()
		y.Seq("handlers", func() { handlers(y, targets) })
	})
}

// targetsOf lists the files of all groups that Ansible configures, in the order in which they are to be written, and the
// names of these groups.
func targetsOf(p *ir.Plan, c carriage) (out []*target, names []string) {
	byPath := map[string]*target{}
	for i := range p.Groups {
		g := &p.Groups[i]
		if !g.Has("ansible") {
			continue
		}
		names = append(names, groupName("group", g.Name))
		for _, f := range c.of(g) {
			path := onHost(p, g, f)
			key := path + " " + notify(g, path)
			x := byPath[key]
			if x == nil {
				x = &target{path: path, notify: notify(g, path), rank: rank(g, path)}
				byPath[key] = x
				out = append(out, x)
			}
			x.groups = append(x.groups, g.Name)
			x.from = append(x.from, f.Origins()...)
		}
	}
	slices.SortStableFunc(out, func(a, b *target) int { return a.rank - b.rank })
	return out, names
}

// The ranks: what is read at boot, the clock, what the kubelet is told to read, and what tells it.
const (
	rankKernel = iota
	rankClock
	rankDropIn
	rankFlags
	rankOwnUnits
)

func rank(g *ir.HostGroup, path string) int {
	switch path {
	case modulesLoadPath, modprobePath, sysctlPath:
		return rankKernel
	case g.Time.Path, g.Time.OptionsFile:
		return rankClock
	case g.Kubelet.EnvFile:
		return rankFlags
	case filterPath, unitPath, sourcesPath, sourcesUnitPath, cardsPath, cardsUnitPath:
		return rankOwnUnits
	}
	return rankDropIn
}

// notify returns the handler of a file.
func notify(g *ir.HostGroup, path string) string {
	switch path {
	case modulesLoadPath:
		return loadModules
	case modprobePath:
		return resizeTable
	case sysctlPath:
		return applySysctls
	case g.Time.Path, g.Time.OptionsFile:
		return "restart " + g.TimeUnit
	case filterPath, unitPath:
		return loadFilter
	case sourcesPath, sourcesUnitPath:
		return loadSources
	case cardsPath, cardsUnitPath:
		return setUpCards
	}
	if a := g.APIAddress; a != nil && path == a.Path {
		return "" // the kubelet watches the folder
	}
	return "restart " + g.Unit
}

// tasks writes the folder and the file.
func tasks(y *artifact.YAML, x *target, everywhere bool) {
	when := func() {
		if !everywhere {
			y.KV("when", "meshgen_group in ['"+strings.Join(x.groups, "', '")+"']")
		}
	}
	y.Item(func() {
		y.KV("name", "Folder of "+x.path)
		y.Map("ansible.builtin.file", func() {
			y.KV("path", x.path[:strings.LastIndexByte(x.path, '/')])
			y.KV("state", "directory")
		})
		when()
	})
	y.Item(func() {
		y.KV("name", x.path)
		y.Map("ansible.builtin.copy", func() {
			y.KV("src", "{{ meshgen_group }}"+x.path)
			y.KV("dest", x.path)
			y.KV("owner", "root")
			y.KV("group", "root")
			y.KV("mode", "0644")
		})
		when()
		if x.notify != "" {
			y.KV("notify", x.notify)
		}
	})
}

// handlers writes what changes lead to: modules, then settings, then the services that read files.
func handlers(y *artifact.YAML, targets []*target) {
	handler := func(name, module string, body func()) {
		y.Item(func() {
			y.KV("name", name)
			y.Map(module, body)
		})
	}
	restart := func(unit string) func() {
		return func() {
			y.KV("name", unit)
			y.KV("state", "restarted")
		}
	}
	handler(loadModules, "ansible.builtin.systemd", restart("systemd-modules-load.service"))
	handler(resizeTable, "ansible.builtin.shell", func() {
		y.Comment("Options are taken when the module is loaded; the table of one that runs is resized in place.")
		y.KV("cmd", "modprobe nf_conntrack && sed -n 's/^options nf_conntrack hashsize=//p' "+modprobePath+" > /sys/module/nf_conntrack/parameters/hashsize")
	})
	handler(applySysctls, "ansible.builtin.systemd", restart("systemd-sysctl.service"))
	done := map[string]bool{"": true, loadModules: true, resizeTable: true, applySysctls: true}
	for _, x := range targets {
		if done[x.notify] {
			continue
		}
		done[x.notify] = true
		y.From("", x.from...)
		if unit := map[string]string{loadFilter: filterUnit, loadSources: sourcesUnit}[x.notify]; unit != "" {
			handler(x.notify, "ansible.builtin.systemd", func() {
				y.KV("name", unit)
				y.KV("daemon_reload", true)
				y.KV("enabled", true)
				y.Comment("Starts what does not run, and replaces the table of what does, in one transaction.")
				y.KV("state", "reloaded")
			})
			continue
		}
		if x.notify == setUpCards {
			handler(setUpCards, "ansible.builtin.systemd", func() {
				y.KV("name", cardsUnit)
				y.KV("daemon_reload", true)
				y.KV("enabled", true)
				y.KV("state", "restarted")
			})
			continue
		}
		unit := strings.TrimPrefix(x.notify, "restart ")
		if x.rank == rankClock {
			handler(x.notify, "ansible.builtin.systemd", restart(unit))
			continue
		}
		y.Item(func() {
			y.KV("name", x.notify)
			y.Comment("5: it is not installed yet, and will read its files when it starts for the first time.")
			y.Map("ansible.builtin.command", func() { y.KV("cmd", "systemctl try-restart "+unit) })
			y.KV("register", "restarted")
			y.KV("failed_when", "restarted.rc not in [0, 5]")
		})
	}
}

// packages installs what reads the files of each group: its configuration is written after, so that it is ours.
func packages(y *artifact.YAML, p *ir.Plan) {
	for i := range p.Groups {
		g := &p.Groups[i]
		if !g.Has("ansible") || len(g.Packages) == 0 {
			continue
		}
		y.From("", packagesFrom(g)...)
		what := []string{"Time service"}
		if g.Firewall != nil {
			what = append(what, "packet filter")
		}
		if g.SourceNAT != nil {
			what = append(what, "source addresses")
		}
		if g.Cards != nil && g.Cards.RX > 0 {
			what = append(what, "network cards")
		}
		y.Item(func() {
			y.KV("name", strings.Join(what, " and ")+" of "+g.Name)
			y.Map("ansible.builtin.package", func() {
				y.KV("name", g.Packages)
				y.KV("state", "present")
			})
			y.KV("when", "meshgen_group == '"+g.Name+"'")
		})
	}
}
