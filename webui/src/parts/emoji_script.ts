// What the script of emoji gives to the page that loads it.

export * from "../state/emoji";
export { Tones } from "./tones";
