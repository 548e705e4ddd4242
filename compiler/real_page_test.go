package compiler

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"meshgen.dev/meshgen/compiler/artifact"
)

// schemes are what readers may prefer.
var schemes = []string{"light", "dark"}

// pageWidths are those of a phone and of a desk, in pixels.
var pageWidths = []int64{360, 1440}

// TestRealPage opens each page and picture in Chromium, narrow and wide, light and dark: nothing is complained of or
// fetched, nothing is wider than the window, all text can be read and everything has a name (testdata/page/audit.js).
// MESHGEN_SCREENSHOTS names a folder for pictures of what was seen.
func TestRealPage(t *testing.T) {
	b := newBrowser(t)
	audit := read(t, "testdata/page/audit.js")
	for name, dir := range written(t) {
		t.Run(name, func(t *testing.T) {
			page := filepath.Join(dir, "docs", name, "index.html")
			b.open(t, page)
			for _, width := range pageWidths {
				b.do(t, chromedp.EmulateViewport(width, 900))
				for _, scheme := range schemes {
					b.scheme(t, scheme)
					b.shot(t, name, scheme, width)
				}
				for _, scheme := range schemes {
					b.scheme(t, scheme)
					b.do(t, chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => d.open = true)`))
					for _, f := range evaluate[[]string](t, b, audit) {
						t.Errorf("%s, %d pixels, %s: %s", page, width, scheme, f)
					}
					b.do(t, chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => d.open = false)`))
				}
			}
			b.open(t, filepath.Join(dir, "docs", name, "topology.svg"))
			if root := evaluate[string](t, b, `document.querySelector("parsererror") ? "parsererror" : document.documentElement.tagName`); root != "svg" {
				t.Errorf("the picture is a %s", root)
			}
			for _, c := range b.complaints() {
				t.Error(c)
			}
		})
	}
}

// TestRealPageKeyboard goes through a page by keyboard alone: every link, chapter and table that scrolls comes in the order
// of the page, each with a ring around it, and Enter opens a chapter.
func TestRealPageKeyboard(t *testing.T) {
	b := newBrowser(t)
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := artifact.Write(dir, compileExample(t, "fra1").Tree); err != nil {
		t.Fatal(err)
	}
	b.open(t, filepath.Join(dir, "docs/fra1/index.html"))
	const label = `((e) => e.tagName + " " + (e.getAttribute("href") || e.getAttribute("aria-labelledby") || e.getAttribute("aria-label") || e.textContent.trim().slice(0, 40)))`
	b.do(t, chromedp.EmulateViewport(1440, 900))
	want := evaluate[[]string](t, b, `[...document.querySelectorAll("a[href], summary, [tabindex='0']")].filter((e) => e.checkVisibility()).map(`+label+`)`)
	if len(want) < 20 {
		t.Fatalf("%d places to go to", len(want))
	}
	var got []string
	for range want {
		b.do(t, chromedp.KeyEvent(kb.Tab))
		at := evaluate[struct {
			Label string
			Ring  float64
		}](t, b, `(() => { const e = document.activeElement; return {Label: `+label+`(e), Ring: parseFloat(getComputedStyle(e).outlineWidth)} })()`)
		got = append(got, at.Label)
		if at.Ring < 2 {
			t.Errorf("nothing shows that %s has the focus", at.Label)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("by keyboard:\n%s\non the page:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	b.do(t, chromedp.Evaluate[chromedp.Void](`document.querySelector("summary").focus()`), chromedp.KeyEvent(kb.Enter))
	if !evaluate[bool](t, b, `document.querySelector("details").open`) {
		t.Error("Enter does not open a chapter")
	}
}

// browser is one Chromium, ended with the test.
type browser struct {
	ctx context.Context

	mu   sync.Mutex
	said []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(real(t, "chromium-headless-shell")),
		chromedp.NoSandbox, // as root in a container it has none; the pages are ours
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"))
	bounded, stop := context.WithTimeout(context.Background(), 5*time.Minute) // browser and all
	t.Cleanup(stop)
	ctx, end := chromedp.NewExecAllocator(bounded, options...)
	t.Cleanup(end)
	ctx, closed := chromedp.NewContext(ctx)
	t.Cleanup(closed)
	b := &browser{ctx: ctx}
	if err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.said = append(b.said, "exception: "+e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			b.said = append(b.said, "console: "+string(e.Type))
		case *log.EventEntryAdded:
			b.said = append(b.said, "log: "+e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, "file://") {
				b.said = append(b.said, "it fetches "+e.Request.URL)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	command(t, b, network.Enable, network.EnableParams{})
	command(t, b, log.Enable, cdp.Empty{})
	return b
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// command sends a command of the protocol.
func command[P, R any](t *testing.T, b *browser, cmd cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, cmd, params); err != nil {
		t.Fatal(err)
	}
}

// evaluate asks the page.
func evaluate[T any](t *testing.T, b *browser, script string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// scheme is what the reader prefers: light or dark.
func (b *browser) scheme(t *testing.T, name string) {
	t.Helper()
	command(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

func (b *browser) open(t *testing.T, file string) {
	t.Helper()
	b.do(t, chromedp.Navigate("file://"+file))
}

// complaints are what the browser said since the last call.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// shot keeps a picture of the whole page, where one is asked for.
func (b *browser) shot(t *testing.T, name, scheme string, width int64) {
	t.Helper()
	dir := os.Getenv("MESHGEN_SCREENSHOTS")
	if dir == "" {
		return
	}
	image, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)), image, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
