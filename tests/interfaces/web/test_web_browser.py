"""The page in a browser without a screen: games played by clicks and by keys, on a desk and on a phone."""

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from games.loader import load
from interfaces.session import Session
from players.spec import parse_spec
from tests.interfaces.helpers import PATIENCE, command, session, tiny_net
from tests.interfaces.web.serving import Client, served

selenium = pytest.importorskip("selenium", reason="needs selenium, of the extra test")

from selenium import webdriver  # noqa: E402 - as above
from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "domineering.py"

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: apt install chromium chromium-driver)"
)


class Page:
    """The page in one window."""

    def __init__(self, driver: webdriver.Chrome, client: Client) -> None:
        self.driver, self.client = driver, client

    def open(self) -> "Page":
        self.complaints()  # those of a page before
        self.driver.get(f"http://127.0.0.1:{self.client.port}/")
        self.until(lambda: self.text("game") != "Tandem")
        return self

    def until(self, holds) -> None:
        # What was found a moment ago may have been drawn anew.
        WebDriverWait(self.driver, PATIENCE, 0.1, [StaleElementReferenceException]).until(lambda _: holds())

    def one(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, name: str) -> str:
        return self.driver.find_element(By.ID, name).text

    def click(self, name: str) -> None:
        self.driver.find_element(By.ID, name).click()

    def cell(self, begin: str):
        """The cell whose label begins so."""
        return self.one(f'[role=gridcell][aria-label^="{begin}"]')

    def click_cell(self, begin: str) -> None:
        webdriver.ActionChains(self.driver).move_to_element(self.cell(begin)).click().perform()

    def pieces(self) -> list[str]:
        """What stands on the cells, as it is spoken, without marks."""
        script = "return [...document.querySelectorAll('[role=gridcell]')].map(c => c.getAttribute('aria-label'))"
        return [label.removesuffix(", can be played") for label in self.driver.execute_script(script)]

    def moves(self) -> list[str]:
        return self.driver.execute_script(
            "return [...document.querySelectorAll('#moves .move')].map(m => m.textContent)"
        )

    def complaints(self) -> list[str]:
        """What the browser found wrong with the page."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1400,900"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield found
    found.quit()


@pytest.fixture
def sized(driver):
    """Give the window the size of a screen; the desk's afterwards."""

    def resize(width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    yield resize
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_game_to_its_end_by_clicks_with_a_reload_and_modes_in_the_middle(driver, tmp_path):
    model = tiny_net(tmp_path / "net.safetensors")
    with served(session("search:simulations=200", model=model)) as client:
        page = Page(driver, client).open()
        assert page.text("status") == "Your move"
        page.click_cell("b2")
        page.until(lambda: len(page.moves()) == 2 and page.text("status") == "Your move")
        before = page.pieces()
        driver.refresh()
        page.until(lambda: page.text("game") == "tictactoe" and len(page.moves()) == 2)
        assert page.pieces() == before
        for mode in ("net", "value", "hybrid", "auto", "exact", "search"):
            page.click(f"mode-{mode}")
            page.until(lambda mode=mode: client.state()["mode"] == mode)
            page.until(lambda mode=mode: page.one(f"#mode-{mode}").is_selected())
        while client.state()["outcome"] is None:
            played = len(page.moves())
            free = next(label for label in page.pieces() if "empty" in label)
            page.click_cell(free.split(",")[0])
            page.until(
                lambda played=played: (
                    len(page.moves()) > played
                    and (page.text("status") == "Your move" or client.state()["outcome"] is not None)
                )
            )
        page.until(lambda: page.text("status") in ("You win", "The engine wins", "A draw"))
        assert len(page.all(".cell.won")) == len(client.state()["board"]["ended_by"])
        page.click("new")
        page.until(lambda: page.moves() == [] and page.text("status") == "Your move")
        assert page.complaints() == []


def test_a_level_is_chosen_and_ends_where_a_mode_is(driver):
    with served(session("search:simulations=200")) as client:
        page = Page(driver, client).open()
        page.until(lambda: len(page.all("#level option")) == 11)
        Select(page.one("#level")).select_by_value("3")
        page.until(lambda: client.state()["level"] == 3)
        page.until(lambda: page.text("about-mode") == "Level 3 plays; hints and analysis are by mode search.")
        page.click_cell("b2")
        page.until(lambda: len(page.moves()) == 2)
        page.click("mode-exact")
        page.until(lambda: client.state()["level"] is None)
        page.until(lambda: Select(page.one("#level")).first_selected_option.text == "none")
        assert page.complaints() == []


def test_two_tabs_see_the_same_game(driver):
    with served(session("search:simulations=50"), side="both") as client:
        page = Page(driver, client).open()
        first = driver.current_window_handle
        driver.switch_to.new_window("tab")
        Page(driver, client).open().click_cell("a1")
        page.until(lambda: page.moves() == ["a1"])
        driver.close()
        driver.switch_to.window(first)
        page.until(lambda: page.moves() == ["a1"])
        client.ask("move", move="c3")
        page.until(lambda: page.moves() == ["a1", "c3"])


def test_bad_input_is_answered_on_the_page_and_the_game_stands(driver):
    with served(session("search:simulations=50"), side="both") as client:
        page = Page(driver, client).open()
        for typed, words in [("nonsense", "is no cell"), ("b2", ""), ("b2", "illegal move b2")]:
            field = page.one("#typed")
            field.clear()
            field.send_keys(typed, Keys.ENTER)
            page.until(lambda words=words: words in page.text("note") if words else page.moves() == ["b2"])
        amount = page.one("#amount")
        amount.clear()
        amount.send_keys("-3", Keys.ENTER)
        page.until(lambda: "must be a" in page.text("note"))
        assert client.state()["budget"]["simulations"] == 50
        page.until(lambda: page.one("#amount").get_attribute("value") == "50")
        page.one("summary").click()
        position = page.one("#position")
        position.clear()
        position.send_keys("<b>xo</b>", Keys.ENTER)
        page.until(lambda: "<b>xo</b>" in page.text("note"))
        assert page.moves() == ["b2"]


def test_what_the_engine_thinks_is_drawn_and_a_line_shown(driver):
    with served(session("search:simulations=300", "connect4")) as client:
        page = Page(driver, client).open()
        page.click("analyse")
        page.until(lambda: page.all(".candidate.best"))
        best = client.state()["candidates"]["moves"][0]["move"]
        page.until(lambda: page.one("#candidates tbody th").text == best)
        driver.execute_script("document.querySelector('#candidates tbody tr').focus()")
        page.until(lambda: [text.text for text in page.all(".line text")][:2] == ["1", "2"])
        driver.execute_script("document.activeElement.blur()")
        page.click("analyse")
        page.until(lambda: page.one("#analyse").get_attribute("aria-pressed") == "false")
        page.click("compare")
        page.until(lambda: [row.text for row in page.all("#comparison tbody th")] == ["search", "exact"])
        page.click("hint")
        page.until(lambda: page.all(".hint-ring"))
        assert page.complaints() == []


def test_the_keyboard_alone_plays(driver):
    with served(session("search:simulations=50"), side="both") as client:
        page = Page(driver, client).open()
        page.cell("a3").send_keys(Keys.ARROW_RIGHT)
        driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
        assert driver.switch_to.active_element.get_attribute("aria-label").startswith("b2, empty")
        driver.switch_to.active_element.send_keys(Keys.ENTER)
        page.until(lambda: page.moves() == ["b2"])
        assert page.cell("b2").get_attribute("aria-label") == "b2, x, last move"


def test_earlier_positions_are_looked_back_at_and_not_played_on(driver):
    with served(session("search:simulations=50", "connect4"), side="both") as client:
        for move in "443":
            client.ask("move", move=move)
        page = Page(driver, client).open()
        page.until(lambda: len(page.moves()) == 3)
        page.click("back")
        page.until(lambda: page.text("where") == "move 2 of 3")
        assert len(page.all(".piece .disc")) == 2
        assert not page.all(".cell.legal")
        page.click("to-end")
        page.until(lambda: len(page.all(".piece .disc")) == 3)


def test_a_pawn_asks_what_it_becomes(driver):
    with served(session("search:simulations=20", "chess"), side="both", start="8/P6k/8/8/8/8/8/K7 w - - 0 1") as client:
        page = Page(driver, client).open()
        page.click_cell("a7")
        page.until(lambda: page.all(".cell.target"))
        page.click_cell("a8")
        page.until(lambda: len(page.all("dialog[open] button")) == 4)
        page.one('dialog button[value="a7a8n"]').click()
        page.until(lambda: page.moves() == ["a7a8n"])
        assert page.cell("a8").get_attribute("aria-label").startswith("a8, N")
        page.click_cell("h7")
        page.click_cell("h7")  # taken up and put down
        page.click_cell("h7")
        page.click_cell("a1")  # no move of it
        assert page.moves() == ["a7a8n"]
        assert page.complaints() == []


def test_moves_beside_the_board_are_buttons(driver):
    with served(session("search:simulations=20", "hex:size=3,swap=1"), side="both") as client:
        page = Page(driver, client).open()
        page.click_cell("b2")
        page.until(lambda: [b.text for b in page.all("#moves-beside button")] == ["swap"])
        page.until(lambda: page.one("#moves-beside button").click() is None)
        page.until(lambda: page.moves() == ["b2", "swap"])


def test_the_engine_against_itself(driver):
    with served(session("search:simulations=20")) as client:
        page = Page(driver, client).open()
        Select(page.one("#side")).select_by_value("none")
        page.until(lambda: page.one("#step").is_displayed())
        page.click("step")
        page.until(lambda: len(page.moves()) == 1)
        page.click("run")
        page.until(lambda: client.state()["outcome"] is not None)
        page.until(lambda: page.text("status") in ("First wins", "Second wins", "A draw"))


def test_a_game_of_ones_own_is_clicked_where_it_says_how_it_looks_and_has_buttons_where_not(driver, tmp_path):
    with served(Session(load(f"{GUIDE}:size=4"), parse_spec("search:simulations=20"), None), side="both") as client:
        page = Page(driver, client).open()
        page.click_cell("b3")  # the upper half of a domino that fits in one way
        page.until(lambda: page.moves() == ["b3"])
        assert sum(", #" in label for label in page.pieces()) == 2
    plain = tmp_path / "plain.py"
    text = GUIDE.read_text(encoding="utf-8").replace("GRID =", "NO_GRID =")
    plain.write_text(text.replace("def pieces", "def _pieces").replace("def touched", "def _touched"), encoding="utf-8")
    with served(Session(load(f"{plain}:size=4"), parse_spec("search:simulations=20"), None), side="both") as client:
        page = Page(driver, client).open()
        page.until(lambda: page.one("#board pre").text.splitlines()[0] == "4  . . . .")
        assert len(page.all(".legal .move")) == 12
        page.until(lambda: next(b for b in page.all(".legal .move") if b.text == "b3").click() is None)
        page.until(lambda: page.moves() == ["b3"])
        page.until(lambda: page.one("#board pre").text.count("#") == 2)
        assert page.complaints() == []


BOARDS = ["connect4:rows=5,columns=9", "hex"]
MORE_BOARDS = ["tictactoe", "connect4", "othello", "gomoku", "gomoku:size=20", "hex:size=13", "breakthrough", "chess"]


@pytest.mark.parametrize("spec", [*BOARDS, *(pytest.param(spec, marks=pytest.mark.slow) for spec in MORE_BOARDS)])
@pytest.mark.parametrize("size", [(390, 844), (1400, 900)], ids=["phone", "desk"])
def test_every_board_fits_its_screen_and_every_cell_can_be_hit(driver, sized, spec, size):
    sized(*size)
    with served(session("search:simulations=20", spec), side="both") as client:
        page = Page(driver, client).open()
        wide, room = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room
        box = page.one("svg.board").rect
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
        missed = driver.execute_script(
            """return [...document.querySelectorAll('[role=gridcell]')].filter((cell) => {
                 const box = cell.querySelector('.ground').getBoundingClientRect();
                 const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                 return hit?.closest('[role=gridcell]') !== cell;
               }).map((cell) => cell.getAttribute('aria-label'))"""
        )
        assert missed == []
        assert len(page.all("[role=gridcell]")) == len(client.state()["game"]["grid"]["rows"]) * len(
            client.state()["game"]["grid"]["columns"]
        )


def test_a_server_that_ends_is_said_on_the_page_and_one_that_comes_back_is_followed(driver):
    port = ""
    for time in (1, 2):
        flags = command(
            "tictactoe", "--mode", "search", "--simulations", 50, "--web", *(("--port", port) if port else ())
        )
        process = subprocess.Popen(flags, stdout=subprocess.PIPE, text=True)
        try:
            process.stdout.readline()
            port = port or re.search(r":(\d+)/", process.stdout.readline())[1]
            page = Page(driver, Client(int(port)))
            if time == 1:
                page.open()
            page.until(lambda page=page: page.text("status") == "Your move")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
        page.until(lambda page=page: page.text("status") == "The server does not answer")
