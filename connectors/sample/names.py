"""Names of the sample organisation: people, places, teams and services. All of it is invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connectors.sample import Home

ORGANIZATION = "Halvermeer Utilities"
DOMAIN = "halvermeer.example"

Kind = Literal["access", "data", "field", "finance", "network", "office", "plant", "portal"]
"""What a service is about; it decides the words of its tickets."""

_FIRST = (
    "Aisha Anouk Bram Chidi Daan Dewi Emre Esra Femke Florian Gijs Goran Hanneke Ilse Imran Jelle José Jurriaan "
    "Kaoutar Karel Lieke Ling Maaike Maciej Marijn Mehdi Nadia Noor Olga Pieter Priya Quinten Renske Roel "
    "Saskia Sefa Thijs Tomás Ugo Veerle Wietske Xenia Yara Zoë"
)
_LAST = (
    "Achterberg;Bakhuis;Bouzid;Brandsma;Çelik;Dekkers;Dijkhuis;van Eerden;Engelsman;Farahani;Gerritsma;Groeneweg;"
    "Haverkort;Hoekzema;Ivanova;Janmaat;Kalkman;Kerkstra;Korver;Kuiper;Lankhorst;Lemaire;van der Linge;Mansouri;"
    "Meijering;Müller;Nagtegaal;Novák;Okonkwo;Oosting;Pauwels;Plantinga;Quist;Ramdin;Rietveld;Roosdorp;Salvador;"
    "Schuiteman;Sjollema;Steenhuis;Tavares;Terpstra;Uiterwijk;Veenhof;Verhagen;Vlasblom;Wagenaar;de Weerd;Wiersma;"
    "Yildirim;Zandstra;Zwolsman"
)
_PLACES = (
    "Oosterhaven;Kleiwijk;Zandmeer;Wilgendam;Noorderkade;Vaartsluis;Brinkhoek;Duinrade;Lage Polder;Steenwaard;"
    "Marktplein;Havenkwartier"
)
FIRST_NAMES, LAST_NAMES, PLACES = _FIRST.split(), _LAST.split(";"), _PLACES.split(";")


@dataclass(frozen=True, slots=True)
class TeamName:
    """A team; ``role`` tells the desk that takes calls and the office that runs service management from the rest."""

    home: Home
    name: str
    role: Literal["desk", "management", "specialist"] = "specialist"
    size: int = 5


TEAMS = (
    TeamName("servicenow", "Service Desk", "desk", 8),
    TeamName("servicenow", "Service Management Office", "management", 4),
    TeamName("servicenow", "Metering Platforms"),
    TeamName("servicenow", "Digital Channels", size=6),
    TeamName("servicenow", "Finance Applications", size=4),
    TeamName("servicenow", "Grid Systems"),
    TeamName("servicenow", "Field Mobility", size=4),
    TeamName("servicenow", "Workplace and Voice"),
    TeamName("servicenow", "Network Operations", size=6),
    TeamName("jira", "Support Desk", "desk", 5),
    TeamName("jira", "Service Operations", "management", 3),
    TeamName("jira", "Trading Systems", size=4),
    TeamName("jira", "Heat Engineering Tools", size=4),
    TeamName("jira", "Mobility Platform"),
    TeamName("jira", "Data Platform", size=4),
)


@dataclass(frozen=True, slots=True)
class ServiceName:
    """A service; ``code`` starts the names of its configuration items, ``weight`` is its share of the work."""

    home: Home
    code: str
    name: str
    kind: Kind
    criticality: int
    team: str
    weight: float
    description: str
    is_retired: bool = False


DEGRADING = "Customer Portal"
"""The service whose incidents take ever longer in the last three months."""

SERVICES = (
    ServiceName(
        "servicenow",
        "mrg",
        "Meter Reading Gateway",
        "data",
        1,
        "Metering Platforms",
        9,
        "Collects the readings of 1.4 million smart meters every night and hands them to billing and grid planning.",
    ),
    ServiceName(
        "servicenow",
        "cup",
        "Customer Portal",
        "portal",
        1,
        "Digital Channels",
        17,
        "Where customers see their usage, change their contract, pay and report a move.",
    ),
    ServiceName(
        "servicenow",
        "otm",
        "Outage Map",
        "portal",
        2,
        "Digital Channels",
        5,
        "Public map of interruptions in the electricity and water networks with the expected time of repair.",
    ),
    ServiceName(
        "servicenow",
        "bil",
        "Billing and Collections",
        "finance",
        1,
        "Finance Applications",
        11,
        "Monthly invoices, yearly settlements, direct debit and dunning.",
    ),
    ServiceName(
        "servicenow",
        "gct",
        "Grid Control Telemetry",
        "plant",
        1,
        "Grid Systems",
        7,
        "Measured values and switch positions of the medium-voltage grid, shown in the control room.",
    ),
    ServiceName(
        "servicenow",
        "wod",
        "Work Order Dispatch",
        "field",
        2,
        "Field Mobility",
        9,
        "Plans field crews and sends their work orders to tablets in the vans.",
    ),
    ServiceName(
        "servicenow",
        "lda",
        "Leak Detection Analytics",
        "data",
        3,
        "Metering Platforms",
        4,
        "Finds probable leaks in the water network from night flow and pressure.",
    ),
    ServiceName(
        "servicenow",
        "cct",
        "Contact Centre Telephony",
        "office",
        2,
        "Workplace and Voice",
        7,
        "Queues, menus, call recording and wallboards of the contact centre.",
    ),
    ServiceName(
        "servicenow",
        "dwp",
        "Digital Workplace",
        "office",
        3,
        "Workplace and Voice",
        16,
        "Laptops, mail, meeting rooms, printing and shared files for 2,300 colleagues.",
    ),
    ServiceName(
        "servicenow",
        "net",
        "Corporate Network",
        "network",
        1,
        "Network Operations",
        8,
        "Wired and wireless network of offices, depots and substations, with remote access.",
    ),
    ServiceName(
        "servicenow",
        "iam",
        "Identity and Access",
        "access",
        1,
        "Network Operations",
        9,
        "Accounts, single sign-on, second factor and the yearly review of rights.",
    ),
    ServiceName(
        "servicenow",
        "asr",
        "Asset Register",
        "field",
        3,
        "Field Mobility",
        4,
        "Cables, pipes, valves and stations with their location, age and inspections.",
    ),
    ServiceName(
        "servicenow",
        "fax",
        "Fax Gateway",
        "office",
        4,
        "Workplace and Voice",
        0,
        "Incoming faxes as mail; switched off when the last contractor moved to the portal.",
        is_retired=True,
    ),
    ServiceName(
        "jira",
        "htd",
        "Heat Trading Desk",
        "finance",
        2,
        "Trading Systems",
        9,
        "Positions, nominations and settlement of the heat and gas portfolio.",
    ),
    ServiceName(
        "jira",
        "dhp",
        "District Heat Planner",
        "data",
        2,
        "Heat Engineering Tools",
        9,
        "Load forecast and set points for fourteen heat networks.",
    ),
    ServiceName(
        "jira",
        "cpp",
        "Charging Point Platform",
        "portal",
        1,
        "Mobility Platform",
        13,
        "Starts, meters and bills sessions at 6,200 public charging points.",
    ),
    ServiceName(
        "jira",
        "pap",
        "Partner API",
        "network",
        2,
        "Mobility Platform",
        7,
        "Interfaces through which roaming partners, aggregators and municipalities connect.",
    ),
    ServiceName(
        "jira",
        "tsm",
        "Tariff Simulator",
        "data",
        3,
        "Trading Systems",
        5,
        "Calculates offers and compares tariffs for business customers.",
    ),
    ServiceName(
        "jira",
        "dlh",
        "Data Lakehouse",
        "data",
        2,
        "Data Platform",
        10,
        "Curated data of all business lines for analysts and for the regulator's returns.",
    ),
    ServiceName(
        "jira",
        "ltc",
        "Legacy Tariff Calculator",
        "finance",
        4,
        "Trading Systems",
        0,
        "Replaced by the Tariff Simulator; kept for look-ups until the archive was moved.",
        is_retired=True,
    ),
)
