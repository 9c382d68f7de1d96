// Where the simulated nodes listen.

export const clientPortOf = (id: number): number => 19091 + id;
export const controllerPortOf = (id: number): number => 19191 + id;
