"""The ids of every suite with what they are, so that they can be listed without importing a suite.

A test compares them with the registries of the suites that are installed. What is the same task in several sizes is one line.
"""

from __future__ import annotations

from collections.abc import Mapping

Tasks = Mapping[str, tuple[str, ...]]
"""A summary, and the ids that it is the summary of."""

BRAX: Tasks = {
    "Run with a body on four legs.": ("ant",),
    "Nothing but the overhead of Brax: a task without physics, for tests.": ("fast",),
    "Run with a planar body on two legs, like half a cheetah.": ("halfcheetah",),
    "Hop forward on one leg in a plane.": ("hopper",),
    "Walk with a humanoid.": ("humanoid",),
    "Stand up with a humanoid that lies on the ground.": ("humanoidstandup",),
    "Balance a pole on a cart with a continuous force.": ("inverted_pendulum",),
    "Balance two poles, one on the other, on a cart.": ("inverted_double_pendulum",),
    "Push a cylinder to a goal with an arm.": ("pusher",),
    "Reach a point with an arm of two links.": ("reacher",),
    "Swim forward with a chain of three links.": ("swimmer",),
    "Walk with two legs in a plane.": ("walker2d",),
}

CRAFTAX: Tasks = {
    "Survive, craft and descend through nine floors; a vector of symbols.": ("Craftax-Symbolic-v1",),
    "Survive, craft and descend through nine floors; an image.": ("Craftax-Pixels-v1",),
    "Survive and craft as in Crafter; a vector of symbols.": ("Craftax-Classic-Symbolic-v1",),
    "Survive and craft as in Crafter; an image.": ("Craftax-Classic-Pixels-v1",),
}

GYMNAX: Tasks = {
    "Classic control as gymnax has it.": ("CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"),
    "MinAtar as gymnax has it.": (
        "Asterix-MinAtar",
        "Breakout-MinAtar",
        "Freeway-MinAtar",
        "Seaquest-MinAtar",
        "SpaceInvaders-MinAtar",
    ),
    "bsuite as gymnax has it.": (
        "Catch-bsuite",
        "DeepSea-bsuite",
        "MemoryChain-bsuite",
        "UmbrellaChain-bsuite",
        "DiscountingChain-bsuite",
        "SimpleBandit-bsuite",
    ),
    "bsuite's bandit of digits as gymnax has it; the digits are downloaded.": ("MNISTBandit-bsuite",),
    "A small task as gymnax has it.": (
        "FourRooms-misc",
        "MetaMaze-misc",
        "PointRobot-misc",
        "BernoulliBandit-misc",
        "GaussianBandit-misc",
        "Reacher-misc",
        "Swimmer-misc",
        "Pong-misc",
        "FrozenLake-misc",
    ),
}

JUMANJI: Tasks = {
    "Slide and merge tiles up to 2048.": ("Game2048-v1",),
    "Colour a graph so that no neighbours share a colour.": ("GraphColoring-v1",),
    "Uncover every cell without a mine.": ("Minesweeper-v0",),
    "Solve Rubik's cube.": ("RubiksCube-v0", "RubiksCube-partly-scrambled-v0"),
    "Fill in a sudoku.": ("Sudoku-v0", "Sudoku-very-easy-v0"),
    "Pack boxes into a container.": ("BinPack-v2",),
    "Fill a grid with blocks that fit.": ("FlatPack-v0",),
    "Schedule the operations of jobs on machines.": ("JobShop-v0",),
    "Pack the most valuable items into a knapsack.": ("Knapsack-v1",),
    "Stack falling blocks into full rows.": ("Tetris-v0",),
    "Clean every tile of a maze with several agents.": ("Cleaner-v0",),
    "Connect pairs of points without crossings, one agent each.": ("Connector-v3",),
    "Connect the nodes of several types with minimal spanning trees.": ("MMST-v0",),
    "Serve customers with a vehicle of limited capacity.": ("CVRP-v1",),
    "Serve customers in time windows with several vehicles.": ("MultiCVRP-v0",),
    "Find the way out of a maze.": ("Maze-v0",),
    "Bring requested shelves to a counter with several robots.": ("RobotWarehouse-v0",),
    "Eat and grow without biting oneself.": ("Snake-v1",),
    "Visit every city once on a short tour.": ("TSP-v1",),
    "Push boxes onto targets; levels are downloaded from Hugging Face.": ("Sokoban-v0",),
    "Eat pellets and flee ghosts.": ("PacMan-v1",),
    "Order the tiles of a sliding puzzle.": ("SlidingTilePuzzle-v0",),
    "Collect food together, each agent according to its level.": ("LevelBasedForaging-v0",),
    "Find targets with a swarm of searchers.": ("SearchAndRescue-v0",),
}

NAVIX: Tasks = {
    "Reach the goal in an empty room.": (
        "Navix-Empty-5x5-v0",
        "Navix-Empty-6x6-v0",
        "Navix-Empty-8x8-v0",
        "Navix-Empty-16x16-v0",
        "Navix-Empty-Random-5x5-v0",
        "Navix-Empty-Random-6x6-v0",
        "Navix-Empty-Random-8x8-v0",
        "Navix-Empty-Random-16x16-v0",
    ),
    "Open a door with its key, and reach the goal behind it.": (
        "Navix-DoorKey-5x5-v0",
        "Navix-DoorKey-6x6-v0",
        "Navix-DoorKey-8x8-v0",
        "Navix-DoorKey-16x16-v0",
        "Navix-DoorKey-Random-5x5-v0",
        "Navix-DoorKey-Random-6x6-v0",
        "Navix-DoorKey-Random-8x8-v0",
        "Navix-DoorKey-Random-16x16-v0",
    ),
    "Reach the goal in four rooms.": (
        "Navix-FourRooms-v0",
        "Navix-FourRooms-7x7-v0",
        "Navix-FourRooms-9x9-v0",
        "Navix-FourRooms-11x11-v0",
        "Navix-FourRooms-13x13-v0",
        "Navix-FourRooms-15x15-v0",
        "Navix-FourRooms-17x17-v0",
    ),
    "Find the key to a locked room off a corridor.": (
        "Navix-KeyCorridorS3R1-v0",
        "Navix-KeyCorridorS3R2-v0",
        "Navix-KeyCorridorS3R3-v0",
        "Navix-KeyCorridorS4R3-v0",
        "Navix-KeyCorridorS5R3-v0",
        "Navix-KeyCorridorS6R3-v0",
    ),
    "Pass through a gap in lava.": ("Navix-LavaGapS5-v0", "Navix-LavaGapS6-v0", "Navix-LavaGapS7-v0"),
    "Cross walls through their gaps.": (
        "Navix-SimpleCrossingS9N1-v0",
        "Navix-SimpleCrossingS9N2-v0",
        "Navix-SimpleCrossingS9N3-v0",
        "Navix-SimpleCrossingS11N5-v0",
    ),
    "Cross rivers of lava through their gaps.": (
        "Navix-LavaCrossingS9N1-v0",
        "Navix-LavaCrossingS9N2-v0",
        "Navix-LavaCrossingS9N3-v0",
        "Navix-LavaCrossingS11N5-v0",
    ),
    "Reach the goal past balls that move.": (
        "Navix-Dynamic-Obstacles-5x5-v0",
        "Navix-Dynamic-Obstacles-5x5-Random-v0",
        "Navix-Dynamic-Obstacles-6x6-v0",
        "Navix-Dynamic-Obstacles-6x6-Random-v0",
        "Navix-Dynamic-Obstacles-8x8-v0",
        "Navix-Dynamic-Obstacles-16x16-v0",
    ),
    "Reach the goal where the lava has moved.": ("Navix-DistShift1-v0", "Navix-DistShift2-v0"),
    "Go to the door of a colour.": ("Navix-GoToDoor-5x5-v0", "Navix-GoToDoor-6x6-v0", "Navix-GoToDoor-8x8-v0"),
    "Unlock a door.": ("Navix-Unlock-v0",),
    "Unlock a door and pick up what is behind it.": ("Navix-UnlockPickup-v0",),
    "Clear, unlock and pass a door, and pick up what is behind it.": ("Navix-BlockedUnlockPickup-v0",),
    "Open the red door, then the blue one.": ("Navix-RedBlueDoors-6x6-v0", "Navix-RedBlueDoors-8x8-v0"),
    "Go to the object of a kind and colour.": ("Navix-GoToObject-6x6-N2-v0", "Navix-GoToObject-8x8-N2-v0"),
    "Fetch the object of a kind and colour.": ("Navix-Fetch-5x5-N2-v0", "Navix-Fetch-6x6-N2-v0", "Navix-Fetch-8x8-N3-v0"),
    "Put one object near another.": ("Navix-PutNear-6x6-N2-v0", "Navix-PutNear-8x8-N3-v0"),
    "Remember an object, and choose its like at the end of a corridor.": (
        "Navix-MemoryS17Random-v0",
        "Navix-MemoryS13Random-v0",
        "Navix-MemoryS13-v0",
        "Navix-MemoryS11-v0",
        "Navix-MemoryS9-v0",
        "Navix-MemoryS7-v0",
    ),
    "Find a ball behind locked and blocked doors.": (
        "Navix-ObstructedMaze-1Dl-v0",
        "Navix-ObstructedMaze-1Dlh-v0",
        "Navix-ObstructedMaze-1Dlhb-v0",
        "Navix-ObstructedMaze-2Dl-v0",
        "Navix-ObstructedMaze-2Dlh-v0",
        "Navix-ObstructedMaze-2Dlhb-v0",
        "Navix-ObstructedMaze-1Q-v0",
        "Navix-ObstructedMaze-2Q-v0",
        "Navix-ObstructedMaze-Full-v0",
    ),
    "Pass a chain of rooms.": ("Navix-MultiRoom-N2-S4-v0", "Navix-MultiRoom-N4-S5-v0", "Navix-MultiRoom-N6-v0"),
    "Find the key to the locked one of six rooms.": ("Navix-LockedRoom-v0",),
    "Nine rooms of objects, without a goal.": ("Navix-Playground-v0",),
}

PGX: Tasks = {
    "Slide and merge tiles up to 2048.": ("2048",),
    "MinAtar as Pgx has it.": (
        "minatar-asterix",
        "minatar-breakout",
        "minatar-freeway",
        "minatar-seaquest",
        "minatar-space_invaders",
    ),
    "Animal shogi, both sides.": ("animal_shogi",),
    "Backgammon, both sides.": ("backgammon",),
    "Chess, both sides.": ("chess",),
    "Connect Four, both sides.": ("connect_four",),
    "Gardner's chess on 5 x 5, both sides.": ("gardner_chess",),
    "Go, both sides.": ("go_9x9", "go_19x19"),
    "Hex, both sides.": ("hex",),
    "Kuhn poker, both sides.": ("kuhn_poker",),
    "Leduc hold'em, both sides.": ("leduc_holdem",),
    "Othello, both sides.": ("othello",),
    "Shogi, both sides.": ("shogi",),
    "Sparrow mahjong, all three sides.": ("sparrow_mahjong",),
    "Tic-tac-toe, both sides.": ("tic_tac_toe",),
}

XMINIGRID: Tasks = {
    "Reach what a ruleset asks for, by its rules, in a grid of rooms.": (
        "XLand-MiniGrid-R1-9x9",
        "XLand-MiniGrid-R1-11x11",
        "XLand-MiniGrid-R1-13x13",
        "XLand-MiniGrid-R1-15x15",
        "XLand-MiniGrid-R1-17x17",
        "XLand-MiniGrid-R2-9x9",
        "XLand-MiniGrid-R2-11x11",
        "XLand-MiniGrid-R2-13x13",
        "XLand-MiniGrid-R2-15x15",
        "XLand-MiniGrid-R2-17x17",
        "XLand-MiniGrid-R4-9x9",
        "XLand-MiniGrid-R4-11x11",
        "XLand-MiniGrid-R4-13x13",
        "XLand-MiniGrid-R4-15x15",
        "XLand-MiniGrid-R4-17x17",
        "XLand-MiniGrid-R6-13x13",
        "XLand-MiniGrid-R6-17x17",
        "XLand-MiniGrid-R6-19x19",
        "XLand-MiniGrid-R9-16x16",
        "XLand-MiniGrid-R9-19x19",
        "XLand-MiniGrid-R9-25x25",
    ),
    "Clear, unlock and pass a door, and pick up what is behind it.": ("MiniGrid-BlockedUnlockPickUp",),
    "Open a door with its key, and reach the goal behind it.": (
        "MiniGrid-DoorKey-5x5",
        "MiniGrid-DoorKey-6x6",
        "MiniGrid-DoorKey-8x8",
        "MiniGrid-DoorKey-16x16",
    ),
    "Reach the goal in an empty room.": (
        "MiniGrid-Empty-5x5",
        "MiniGrid-Empty-6x6",
        "MiniGrid-Empty-8x8",
        "MiniGrid-Empty-16x16",
        "MiniGrid-EmptyRandom-5x5",
        "MiniGrid-EmptyRandom-6x6",
        "MiniGrid-EmptyRandom-8x8",
        "MiniGrid-EmptyRandom-16x16",
    ),
    "Reach the goal in four rooms.": ("MiniGrid-FourRooms",),
    "Find the key to the locked one of six rooms.": ("MiniGrid-LockedRoom",),
    "Remember an object, and choose its like at the end of a corridor.": (
        "MiniGrid-MemoryS8",
        "MiniGrid-MemoryS16",
        "MiniGrid-MemoryS32",
        "MiniGrid-MemoryS64",
        "MiniGrid-MemoryS128",
    ),
    "Nine rooms of objects, without a goal.": ("MiniGrid-Playground",),
    "Unlock a door.": ("MiniGrid-Unlock",),
    "Unlock a door and pick up what is behind it.": ("MiniGrid-UnlockPickUp",),
}

NAVIX_SINCE_4 = (
    "Navix-BlockedUnlockPickup-",
    "Navix-Fetch-",
    "Navix-FourRooms-1",
    "Navix-FourRooms-7",
    "Navix-FourRooms-9",
    "Navix-GoToObject-",
    "Navix-LavaCrossing",
    "Navix-LockedRoom-",
    "Navix-Memory",
    "Navix-MultiRoom-",
    "Navix-ObstructedMaze-",
    "Navix-Playground-",
    "Navix-PutNear-",
    "Navix-RedBlueDoors-",
    "Navix-Unlock",
)
"""What the ids begin with that NAVIX has from version 4 on, the first for Python 3.12 and later."""

SINCE: Mapping[str, tuple[str, tuple[str, ...]]] = {"navix": ("4.0", NAVIX_SINCE_4)}
"""By suite, a version, and what the ids begin with that older versions do not have."""

TABLES: Mapping[str, Tasks] = {
    "brax": BRAX,
    "craftax": CRAFTAX,
    "gymnax": GYMNAX,
    "jumanji": JUMANJI,
    "navix": NAVIX,
    "pgx": PGX,
    "xminigrid": XMINIGRID,
}
"""The tasks of every suite."""

CLASSES: Mapping[str, str] = {
    "brax": "Brax",
    "craftax": "Craftax",
    "gymnax": "Gymnax",
    "jumanji": "Jumanji",
    "navix": "Navix",
    "pgx": "Pgx",
    "xminigrid": "XMiniGrid",
}
"""The class of every suite's bridge, in the module of the suite's name."""
